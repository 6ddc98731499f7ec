"""What a model must be before it is traced: tensors with values, and no hook that would be left out."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from crisp_sw.quantize.lowering.torch_layers import UnsupportedModelError

_COMPUTE_A_WEIGHT = (WeightNorm, SpectralNorm, BasePruningMethod)


def require_traceable(model: Any) -> None:
    """Raise unless all that ``model`` computes is in its modules' code and in tensors with real values.

    Hooks of `torch.nn.utils` that compute a weight are no obstacle: see `compute_weights`.

    Raises
    ------
    UnsupportedModelError : it is no module, or has another forward hook, or a tensor without real values.
    """
    if not isinstance(model, nn.Module):
        raise UnsupportedModelError(f"the model is a {type(model).__name__}; expected a torch.nn.Module")
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        _require_values(name, tensor)
    for name, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            what = f"module {name!r}" if name else "the model"
            raise UnsupportedModelError(
                f"{what} is compiled by TorchScript; expected the torch.nn.Module that it was made of"
            )
        for hook in module._forward_hooks.values():
            raise _left_out(name, "hook", hook)
        for hook in module._forward_pre_hooks.values():
            if not isinstance(hook, _COMPUTE_A_WEIGHT):
                raise _left_out(name, "pre-hook", hook)


def evaluate(model: nn.Module) -> None:
    """Put ``model`` into evaluation mode.

    Raises
    ------
    UnsupportedModelError : a module stays in training mode, as dropout does that is to sample.
    """
    model.eval()
    for name, module in model.named_modules():
        if module.training:
            kind = type(module).__name__
            raise UnsupportedModelError(
                f"module {name!r} ({kind}) stays in training mode; expected `eval` to end it"
            )


@torch.no_grad()
def compute_weights(model: nn.Module) -> None:
    """Let the hooks of `torch.nn.utils` compute their weights anew, as a forward pass does first."""
    for module in model.modules():
        for hook in module._forward_pre_hooks.values():
            if isinstance(hook, _COMPUTE_A_WEIGHT):
                hook(module, ())


def _require_values(name: str, tensor: Tensor) -> None:
    if is_lazy(tensor) or tensor.is_meta:
        raise UnsupportedModelError(f"{name!r} has no values yet; expected a model that has run once")
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_complex():
        kind = f"{tensor.dtype} in layout {tensor.layout}"
        raise UnsupportedModelError(f"{name!r} is {kind}; expected a dense tensor of real numbers")


def _left_out(name: str, kind: str, hook: Any) -> UnsupportedModelError:
    module = f"module {name!r}" if name else "the model"
    called = getattr(hook, "__qualname__", type(hook).__qualname__)
    return UnsupportedModelError(
        f"{module} has a forward {kind}, {called}, which an integer network would leave out; "
        "expected none: remove it before"
    )
