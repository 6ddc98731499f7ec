"""Wrapped networks are found, pruned under their own names, and copied whatever a forward pass left."""

import threading

import pytest
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from crisp_sw.errors import ModelError
from crisp_sw.modules.wrappers import module_copy, unwrapped
from crisp_sw.prune import (
    ClassSamples,
    CrispSparsifier,
    fine_tune_dense,
    prune_for_classes,
    restrict_classifier,
    settings_of,
)

WRAPPERS = {"DataParallel": nn.DataParallel, "AveragedModel": AveragedModel, "compiled": torch.compile}


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 4),
    )


@pytest.fixture(params=WRAPPERS)
def wrapped(request) -> nn.Module:
    return WRAPPERS[request.param](network())


def samples() -> ClassSamples:
    generator = torch.Generator().manual_seed(1)
    return ClassSamples(images=torch.rand(8, 3, 8, 8, generator=generator), labels=torch.arange(8) % 4)


SETTINGS = settings_of(n=2, block=16, sparsity=0.5, iterations=1, batch_size=8)


def test_wrappers_of_wrappers_hold_the_network():
    model = network()
    assert unwrapped(model) is model
    assert unwrapped(nn.DataParallel(nn.DataParallel(model))) is model


def test_pruning_gives_the_network_itself(wrapped):
    result = prune_for_classes(wrapped, samples(), SETTINGS, teacher=wrapped)
    assert type(result.model) is nn.Sequential
    assert list(result.patterns) == ["2", "5"]
    assert [layer.name for layer in result.report.layers] == ["0", "2", "5"]


def test_every_entry_of_the_pruner_sees_the_network(wrapped):
    assert type(fine_tune_dense(wrapped, samples(), SETTINGS, teacher=wrapped)) is nn.Sequential
    restricted = restrict_classifier(wrapped, (3, 0))
    assert type(restricted) is nn.Sequential
    assert restricted.get_parameter("5.weight").shape == (2, 32)
    sparsifier = CrispSparsifier(sparsity=0.5, n=2, block=16)
    sparsifier.prepare(wrapped, [{"tensor_fqn": "2.weight"}])
    assert list(sparsifier.patterns()) == ["2"]


def trained(layer: nn.Module) -> nn.Module:
    layer(torch.ones(1, 3, 4, 4)).sum().backward()
    return layer


class Remembering(nn.Conv2d):
    """Keeps what it computed, as layers do that are looked into."""

    def __init__(self):
        super().__init__(3, 16, 1)
        self.seen: dict[str, list[Tensor]] = {}

    def forward(self, input: Tensor) -> Tensor:
        self.seen["results"] = [super().forward(input)]
        return self.seen["results"][0]


def test_computed_tensors_are_copied_as_constants():
    model = trained(Remembering())
    assert isinstance(model, Remembering)
    copied = module_copy(model)
    assert isinstance(copied, Remembering)
    assert torch.equal(copied.seen["results"][0], model.seen["results"][0])
    assert not copied.seen["results"][0].requires_grad
    assert model.seen["results"][0].requires_grad
    assert copied.weight is not model.weight


@pytest.mark.parametrize("norm", [nn.utils.weight_norm, nn.utils.spectral_norm])
def test_trained_layers_with_hooks_on_their_weights_are_copied(norm):
    model = network()
    norm(model[2])
    trained(nn.Sequential(nn.ZeroPad2d(2), model))
    copied = module_copy(model)
    assert torch.equal(copied(torch.ones(1, 3, 8, 8)), model(torch.ones(1, 3, 8, 8)))
    assert restrict_classifier(model, (1, 2)).get_parameter("5.weight").shape == (2, 32)
    assert list(prune_for_classes(model, samples(), SETTINGS).patterns) == ["5"]


def test_what_cannot_be_copied_is_named():
    model = network()
    model.__dict__["lock"] = threading.Lock()
    message = "the Sequential cannot be copied .TypeError: .*lock.*; expected a network that `copy.deepcopy`"
    for call in (
        lambda: module_copy(model),
        lambda: restrict_classifier(model, (1, 2)),
        lambda: prune_for_classes(model, samples(), SETTINGS),
    ):
        with pytest.raises(ModelError, match=message):
            call()
