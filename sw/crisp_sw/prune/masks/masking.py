"""Masks on weights: the gradient of a masked weight while the pattern still moves, and none once frozen.

With g the gradient of the masked weight, lambda the decay and 1 - mask the pruned places, the dense weight
gets

- "ste": ``g``, straight through (Bengio et al. 2013, "Estimating or propagating gradients through
  stochastic neurons");
- "sr-ste": ``g + lambda * (1 - mask) * w``, which also pulls pruned weights to zero (Zhou et al. 2021,
  "Learning N:M fine-grained structured sparse neural networks from scratch"; lambda = 2e-4 in their code);
- "masked": ``g * mask``: pruned weights stay as they are.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from crisp_sw.choices import Gradient
from crisp_sw.prune.masks.gradient_record import GradientRecord


def masked(weight: Tensor, mask: Tensor) -> Tensor:
    """Return ``weight * mask``, in the weight's type; negative weights leave negative zeros."""
    # By way of bytes: several times as fast on a CPU as `where`, `masked_fill`, or a product with booleans.
    return weight * mask.to(torch.int8).to(weight.dtype)


class _StraightThrough(torch.autograd.Function):
    """Masks the forward pass; the gradient passes, plus a decay of the pruned weights."""

    generate_vmap_rule = True

    @staticmethod
    def forward(weight: Tensor, mask: Tensor, decay: float) -> Tensor:
        return masked(weight, mask)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, float], output: Tensor) -> None:
        weight, _, ctx.decay = inputs
        if ctx.decay:
            ctx.save_for_backward(weight, output)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None]:
        gradient = grad_outputs[0]
        if ctx.decay:
            weight, kept = ctx.saved_tensors
            gradient = gradient + ctx.decay * (weight - kept)
        return gradient, None, None


class HybridMask(nn.Module):
    """Parametrization that sets pruned weights to zero.

    Parameters
    ----------
    mask : bool, in the shape of the weight; True is kept. Its contents may change, the tensor stays.
    gradient : of the dense weight under the mask, see the module.
    decay : lambda of "sr-ste".
    choose : a new mask from weight and mask, in every forward pass in training mode; None keeps the mask.

    Attributes
    ----------
    frozen : set when the mask is final; then only kept weights receive gradients.
    record : notes the weight's gradients until the mask is final; None for nobody.
    """

    mask: Tensor

    def __init__(
        self,
        mask: Tensor,
        *,
        gradient: Gradient = "ste",
        decay: float = 2e-4,
        choose: Callable[[Tensor, Tensor], Tensor] | None = None,
    ):
        super().__init__()
        self.register_buffer("mask", mask.bool())
        self.decay = decay if gradient == "sr-ste" else 0.0
        self.hard, self.frozen, self.choose = gradient == "masked", False, choose
        self.record: GradientRecord | None = None

    def forward(self, weight: Tensor) -> Tensor:
        """Return the masked weight."""
        if self.choose is not None and self.training and not self.frozen:
            self.mask.copy_(self.choose(weight.detach(), self.mask))
        if self.hard or self.frozen:
            kept = masked(weight, self.mask)
        else:
            kept = cast(Tensor, _StraightThrough.apply(weight, self.mask, self.decay))
        if self.record is not None and not self.frozen:
            self.record.watch(weight, kept)
        return kept

    @torch.no_grad()
    def loss_gradient(self, weight: Tensor, gradient: Tensor) -> Tensor:
        """Return dL/dw of the dense ``weight``, float32, from its recorded ``gradient``.

        Without the decay of one backward, which a trained weight has received; what a frozen one would have
        received where its mask is hard.
        """
        gradient = gradient.float()
        if not weight.requires_grad:
            return masked(gradient, self.mask) if self.hard else gradient
        if self.frozen or not self.decay:
            return gradient
        dense = weight.float()
        return gradient - self.decay * (dense - masked(dense, self.mask))


@contextmanager
def loss_gradients_only(model: nn.Module) -> Iterator[None]:
    """Let gradients of ``model`` be those of the loss alone: within, its masks add no decay."""
    masks = [module for module in model.modules() if isinstance(module, HybridMask)]
    decays = [mask.decay for mask in masks]
    try:
        for mask in masks:
            mask.decay = 0.0
        yield
    finally:
        for mask, decay in zip(masks, decays, strict=True):
            mask.decay = decay


def attach_mask(
    module: nn.Module, mask: HybridMask | None = None, *, gradient: Gradient = "ste", decay: float = 2e-4
) -> HybridMask:
    """Put ``mask``, or an all-kept one, on ``module.weight``, and return it. A frozen weight stays frozen."""
    weight = cast(nn.Parameter, module.weight)
    if mask is None:
        mask = HybridMask(torch.ones_like(weight, dtype=torch.bool), gradient=gradient, decay=decay)
    mask.train(module.training)
    if parametrize.is_parametrized(module):
        detach_from_copies(module)
    # Checks would run a forward pass, which may change the mask.
    parametrize.register_parametrization(module, "weight", mask, unsafe=True)
    return mask


def dense_weight(module: nn.Module) -> nn.Parameter:
    """Return the dense weight under the mask of ``module``."""
    parametrizations = cast(nn.ModuleDict, module.parametrizations)
    return cast(nn.Parameter, cast(Any, parametrizations["weight"]).original)


def detach_from_copies(module: nn.Module) -> None:
    """Give a module with a parametrization a class of its own.

    PyTorch makes one class for it, which copies of the module share, and where a parametrization comes or
    goes, it changes that class: the copies would lose their weight.
    """
    shared = type(module)
    own = type(shared.__name__, shared.__bases__, dict(vars(shared)))
    cast(Any, module).__class__ = own


def put_weight_first(module: nn.Module) -> None:
    """Let the weight of ``module``, which was registered anew, be the first of its parameters again.

    Averages and optimizers know parameters by their order.
    """
    parameters = module._parameters
    for name in [name for name in parameters if name != "weight"]:
        parameters[name] = parameters.pop(name)


def squash_masks(model: nn.Module) -> None:
    """Bake all masks into the weights: pruned ones become 0, and the state dict is a plain one again."""
    for module in list(model.modules()):
        if any(isinstance(step, HybridMask) for step in _chain(module)):
            detach_from_copies(module)
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
            put_weight_first(module)
            cast(nn.Parameter, module.weight).data.add_(0.0)  # no negative zeros


def _chain(module: nn.Module) -> list[nn.Module]:
    """Return the parametrizations of the weight of ``module`` itself; wrappers show those of others."""
    chains = module._modules.get("parametrizations")
    return [*chains["weight"].children()] if isinstance(chains, nn.ModuleDict) and "weight" in chains else []
