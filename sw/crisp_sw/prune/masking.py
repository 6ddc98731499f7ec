"""Masks on weights: straight-through while the pattern still moves, hard once it is frozen."""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


class _StraightThrough(torch.autograd.Function):
    """Masks the forward pass only (Bengio et al. 2013; for N:M sparsity Zhou et al. 2021)."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, mask: Tensor) -> Tensor:
        return weight.masked_fill(~mask, 0.0)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        return grad_outputs[0], None


class HybridMask(nn.Module):
    """Parametrization that multiplies a weight by a mask.

    The gradient of the masked weight reaches the whole dense weight, so a weight that is masked now keeps
    learning and may win its place back. Once ``frozen`` is set only kept weights receive gradients.

    Attributes
    ----------
    mask : bool, in the shape of the weight; True is kept.
    """

    mask: Tensor

    def __init__(self, weight: Tensor):
        super().__init__()
        self.register_buffer("mask", torch.ones_like(weight, dtype=torch.bool))
        self.frozen = False

    def forward(self, weight: Tensor) -> Tensor:
        """Return the masked weight."""
        if self.frozen:
            return weight.masked_fill(~self.mask, 0.0)
        return cast(Tensor, _StraightThrough.apply(weight, self.mask))


def attach_mask(module: nn.Module) -> HybridMask:
    """Put an all-kept mask on ``module.weight``, which becomes trainable, and return it."""
    weight = cast(nn.Parameter, module.weight)
    weight.requires_grad_(True)
    mask = HybridMask(weight)
    parametrize.register_parametrization(module, "weight", mask)
    return mask


def dense_weight(module: nn.Module) -> nn.Parameter:
    """Return the dense weight under the mask of ``module``."""
    parametrizations = cast(nn.ModuleDict, module.parametrizations)
    return cast(nn.Parameter, cast(Any, parametrizations["weight"]).original)


def squash_masks(model: nn.Module) -> None:
    """Bake all masks into the weights: pruned ones become 0, and the state dict is a plain one again."""
    for module in list(model.modules()):
        if parametrize.is_parametrized(module, "weight"):
            chain = cast(nn.ModuleDict, module.parametrizations)["weight"]
            if any(isinstance(step, HybridMask) for step in chain.children()):
                parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
