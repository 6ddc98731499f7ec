"""Masks: forward, straight-through and hard gradients, and baking in."""

import copy
from typing import cast

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from crisp_sw.prune.masks.masking import HybridMask, attach_mask, dense_weight, squash_masks


def masked_linear():
    layer = nn.Linear(3, 2, bias=False)
    layer.weight = nn.Parameter(torch.tensor([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]]))
    mask = attach_mask(layer)
    mask.mask.copy_(torch.tensor([[True, False, True], [False, True, False]]))
    return layer, mask


def gradient(layer: nn.Linear) -> torch.Tensor:
    layer(torch.tensor([[1.0, 10.0, 100.0]])).sum().backward()
    gradient = dense_weight(layer).grad
    assert gradient is not None
    return gradient


def test_forward_uses_the_masked_weight():
    layer, _ = masked_linear()
    assert layer.weight.tolist() == [[1.0, 0.0, 3.0], [0.0, 5.0, 0.0]]


def test_gradient_passes_straight_through_until_frozen():
    layer, mask = masked_linear()
    assert gradient(layer).tolist() == [[1.0, 10.0, 100.0]] * 2
    dense_weight(layer).grad = None
    mask.frozen = True
    assert gradient(layer).tolist() == [[1.0, 0.0, 100.0], [0.0, 10.0, 0.0]]


def test_sr_ste_pulls_masked_weights_to_zero():
    layer = nn.Linear(3, 1, bias=False)
    layer.weight = nn.Parameter(torch.tensor([[1.0, -2.0, 3.0]]))
    mask = attach_mask(layer, gradient="sr-ste", decay=0.5)
    mask.mask.copy_(torch.tensor([[True, False, True]]))
    assert gradient(layer).tolist() == [[1.0, 10.0 + 0.5 * -2.0, 100.0]]


@pytest.mark.parametrize("gradient", ["ste", "sr-ste", "masked"])
def test_gradients_of_single_samples_by_function_transforms(gradient):
    layer = nn.Linear(3, 2)
    attach_mask(layer, gradient=gradient).mask[0, 0] = False
    images = torch.arange(12.0).reshape(4, 3)

    def loss(parameters, image):
        return torch.func.functional_call(layer, parameters, (image,)).square().sum()

    parameters = dict(layer.named_parameters())
    single = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(parameters, images)
    for number, image in enumerate(images):
        layer.zero_grad()
        loss(parameters, image).backward()
        for name, parameter in parameters.items():
            torch.testing.assert_close(single[name][number], parameter.grad)


def test_decay_is_taken_out_of_a_gradient_until_frozen():
    layer = nn.Linear(3, 1, bias=False)
    layer.weight = nn.Parameter(torch.tensor([[1.0, -2.0, 3.0]]))
    mask = attach_mask(layer, gradient="sr-ste", decay=0.5)
    mask.mask.copy_(torch.tensor([[True, False, True]]))
    weight = dense_weight(layer)
    assert mask.loss_gradient(weight, gradient(layer)).tolist() == [[1.0, 10.0, 100.0]]
    weight.grad = None
    mask.frozen = True
    assert mask.loss_gradient(weight, gradient(layer)).tolist() == [[1.0, 0.0, 100.0]]


def larger_half(weight: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return weight.abs() > weight.abs().median()


def test_mask_follows_the_weights_in_training_until_frozen():
    layer = nn.Linear(3, 1, bias=False).eval()
    layer.weight = nn.Parameter(torch.tensor([[1.0, -2.0, 3.0]]))
    ones = torch.ones(1, 3, dtype=torch.bool)
    mask = attach_mask(layer, HybridMask(ones, gradient="sr-ste", decay=0.5, choose=larger_half))
    weight = dense_weight(layer)
    assert layer.weight.tolist() == [[1.0, -2.0, 3.0]]
    layer.train()
    assert layer.weight.tolist() == [[0.0, 0.0, 3.0]]
    weight.data *= torch.tensor([5.0, 1.0, 1.0])
    # The decay is that of the weights that are pruned now; a layer may be used twice.
    (layer(torch.ones(1, 3)) + layer(torch.ones(1, 3))).sum().backward()
    assert weight.grad is not None
    assert weight.grad.tolist() == [[2.0, 2.0 - 2 * 0.5 * 2.0, 2.0 + 2 * 0.5 * 3.0]]
    layer.eval()
    weight.data *= torch.tensor([0.0, 1.0, 1.0])
    assert layer.weight.tolist() == [[0.0, 0.0, 0.0]]
    mask.frozen = True
    layer.train()
    assert mask.mask.tolist() == [[True, False, False]]
    assert layer.weight.tolist() == [[0.0, 0.0, 0.0]]


def test_masked_gradient_from_the_start():
    layer = nn.Linear(3, 1, bias=False)
    attach_mask(layer, gradient="masked").mask.copy_(torch.tensor([[True, False, True]]))
    assert gradient(layer).tolist() == [[1.0, 0.0, 100.0]]


@pytest.mark.parametrize("frozen", [False, True])
def test_masked_models_can_be_traced(frozen):
    layer, mask = masked_linear()
    mask.frozen = frozen
    image = torch.ones(1, 3)
    traced = cast(nn.Module, torch.jit.trace(layer, image))
    assert torch.equal(traced(image), layer(image))


def test_bfloat16_weight():
    layer = nn.Linear(3, 1, bias=False, dtype=torch.bfloat16)
    mask = attach_mask(layer, gradient="sr-ste")
    mask.mask[0, 0] = False
    layer(torch.ones(1, 3, dtype=torch.bfloat16)).sum().backward()
    gradient = dense_weight(layer).grad
    assert gradient is not None
    assert gradient.dtype == torch.bfloat16


def test_masked_weight_can_come_back():
    layer, mask = masked_linear()
    mask.mask.fill_(True)
    assert layer.weight.tolist() == [[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]]


def test_frozen_parameter_stays_frozen():
    layer = nn.Linear(2, 2).requires_grad_(False)
    attach_mask(layer)
    assert not dense_weight(layer).requires_grad
    squash_masks(layer)
    assert not layer.weight.requires_grad


def test_squash_gives_a_plain_module():
    layer, _ = masked_linear()
    model = nn.Sequential(layer, nn.utils.parametrizations.weight_norm(nn.Linear(2, 2)))
    squash_masks(model)
    assert set(layer.state_dict()) == {"weight"}
    assert type(layer) is nn.Linear
    assert layer.weight.tolist() == [[1.0, 0.0, 3.0], [0.0, 5.0, 0.0]]
    assert not bool(layer.weight.signbit().any())  # no negative zeros
    assert "1.parametrizations.weight.original0" in model.state_dict()  # someone else's stays


def test_copies_keep_their_weight_where_another_tensor_has_a_parametrization():
    layer = nn.Linear(2, 2)
    parametrize.register_parametrization(layer, "bias", nn.Identity())
    twin = copy.deepcopy(layer)
    attach_mask(layer)
    assert twin(torch.ones(1, 2)).shape == (1, 2)
    squash_masks(layer)
    assert torch.equal(layer.weight, twin.weight)


def test_masks_within_a_wrapper_that_shows_their_attributes():
    class Wrapper(nn.Module):
        """As `torch.compile` makes one of a layer."""

        def __init__(self, layer):
            super().__init__()
            self._orig_mod = layer

        def __getattr__(self, name):
            return self._modules["_orig_mod"] if name == "_orig_mod" else getattr(self._orig_mod, name)

    layer, _ = masked_linear()
    squash_masks(Wrapper(layer))
    assert set(layer.state_dict()) == {"weight"}


def test_masked_model_can_be_copied():
    layer, mask = masked_linear()
    twin = copy.deepcopy(layer)
    mask.mask.fill_(True)
    assert twin.weight.tolist() == [[1.0, 0.0, 3.0], [0.0, 5.0, 0.0]]
