"""Float32 weights to train on, whatever type a model has: bfloat16 would round most of a step away."""

from collections.abc import Iterator

from torch import Tensor, nn

from crisp_sw.modules.wrappers import module_copy


def master_copy(model: nn.Module) -> nn.Module:
    """Return a copy of ``model`` with all parameters and buffers in float32."""
    return module_copy(model).float()


def give_types_of(original: nn.Module, model: nn.Module) -> None:
    """Give parameters and buffers of ``model``, in place, the types that they have in ``original``."""
    types = {name: value.dtype for name, value in _tensors(original)}
    for name, value in _tensors(model):
        value.data = value.data.to(types[name])


def _tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()
