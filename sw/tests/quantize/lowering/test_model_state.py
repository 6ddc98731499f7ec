"""Weights that hooks compute are computed; what an integer network would leave out is refused by name."""

import threading
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize, prune

from crisp_sw.errors import ModelError
from crisp_sw.quantize import UnsupportedModelError, lower, quantize_model


def network(wrap: Callable[[nn.Module], object] = lambda layer: None, seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.Flatten(), nn.Linear(8 * 16, 4)
    )
    wrap(model[2])
    return model


def images() -> Tensor:
    return torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def loaded(wrap: Callable[[nn.Module], object]) -> nn.Sequential:
    """A model that has not run since the weights of another one were loaded."""
    trained, fresh = network(wrap), network(wrap, seed=1)
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.mul_(1.5)
    trained(images())
    fresh.load_state_dict(trained.state_dict())
    return fresh


HOOKS = {
    "weight_norm": nn.utils.weight_norm,
    "spectral_norm": nn.utils.spectral_norm,
    "prune": lambda layer: prune.l1_unstructured(layer, "weight", 0.6),
    "prune twice": lambda layer: [prune.l1_unstructured(layer, "weight", 0.3) for _ in range(2)],
    "prune bias": lambda layer: prune.l1_unstructured(layer, "bias", 0.5),
    "parametrization": parametrizations.weight_norm,
}


@pytest.mark.parametrize("kind", HOOKS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_weights_computed_before_the_forward_pass_are_lowered(kind, dtype):
    model = loaded(HOOKS[kind]).to(dtype)
    batch = images().to(dtype)
    lowered = lower(model, (3, 8, 8)).run(batch)
    with torch.no_grad():
        torch.testing.assert_close(lowered, model(batch))
    quantize_model(loaded(HOOKS[kind]).bfloat16(), images())


def test_a_trained_model_keeps_its_gradients():
    model = loaded(nn.utils.weight_norm).train()
    model(images()).sum().backward()
    quantize_model(model, images())
    assert model.get_parameter("2.weight_g").grad is not None


def double_result(module: nn.Module, inputs: object, result: Tensor) -> Tensor:
    return 2 * result


def double_input(module: nn.Module, inputs: tuple[Tensor]) -> Tensor:
    return 2 * inputs[0]


@pytest.mark.parametrize(
    ("register", "message"),
    [
        (
            lambda m: m[2].register_forward_hook(double_result),
            "'2' has a forward hook, double_result",
        ),
        (lambda m: m[2].register_forward_pre_hook(double_input), "'2' has a forward pre-hook, double_input,"),
        (lambda m: m.register_forward_hook(double_result), "the model has a forward hook, double_result"),
        (lambda m: m.register_forward_pre_hook(double_input), "the model has a forward pre-hook"),
    ],
)
def test_hooks_of_the_user_are_refused_by_name(register, message):
    model = network()
    register(model)
    with pytest.raises(UnsupportedModelError, match=message):
        quantize_model(model, images())


def test_hook_on_a_wrapper_is_refused():
    wrapped = nn.DataParallel(network())
    wrapped.register_forward_hook(double_result)
    with pytest.raises(UnsupportedModelError, match="the model has a forward hook, double_result"):
        quantize_model(wrapped, images())


class Sampling(nn.Dropout):
    def train(self, mode: bool = True) -> nn.Module:
        return super().train(True)


def with_weight(weight: Tensor) -> nn.Sequential:
    model = network()
    model[2].weight = nn.Parameter(weight)
    return model


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            nn.Sequential(nn.LazyConv2d(4, 3)),
            "'0.weight' has no values yet; expected a model that has",
        ),
        (network().to("meta"), "'0.weight' has no values yet"),
        (
            with_weight(torch.ones(8, 8, 3, 3).to_sparse()),
            "'2.weight' is .* in layout torch.sparse_coo",
        ),
        (
            with_weight(torch.ones(8, 8, 3, 3, dtype=torch.complex64)),
            "'2.weight' is torch.complex64",
        ),
        (nn.Sequential(network(), Sampling()), r"module '1' \(Sampling\) stays in training mode"),
        (torch.jit.ScriptModule(), "the model is compiled by TorchScript; expected the torch.nn.Module"),
        (nn.Sequential(torch.jit.ScriptModule()), "module '0' is compiled by TorchScript"),
        (network, "the model is a function; expected a torch.nn.Module"),
        (None, "the model is a NoneType"),
    ],
)
def test_models_without_usable_values_are_refused(model, message):
    with pytest.raises(UnsupportedModelError, match=message):
        quantize_model(model, images())


def test_model_that_cannot_be_copied_is_refused():
    model = network()
    model.lock = threading.Lock()  # pyright: ignore[reportArgumentType]
    with pytest.raises(ModelError, match=r"Sequential cannot be copied \(TypeError: cannot pickle"):
        quantize_model(model, images())


def test_parametrized_bias_is_lowered():
    class Half(nn.Module):
        def forward(self, value: Tensor) -> Tensor:
            return value / 2

    model = network()
    parametrize.register_parametrization(model[2], "bias", Half())
    lowered = lower(model, (3, 8, 8)).run(images())
    torch.testing.assert_close(lowered, model(images()).detach())
