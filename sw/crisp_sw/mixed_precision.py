"""Running a model's convolutions and products in bfloat16, at full speed on a CPU too."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


@contextmanager
def autocast(device: torch.device, precision: str) -> Iterator[None]:
    """Run convolutions and products in ``precision``, "float32" or "bfloat16"; backward passes follow.

    On a CPU, strided depthwise convolutions stay in float32: their gradient has no fast kernel in bfloat16.
    """
    bfloat16 = precision == "bfloat16"
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bfloat16):
        if bfloat16 and device.type == "cpu":
            with _StridedDepthwiseInFloat32():
                yield
        else:
            yield


class _StridedDepthwiseInFloat32(TorchFunctionMode):
    """Takes strided depthwise convolutions out of autocast."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        if func is torch.conv2d and _is_strided_depthwise(*args, **named):
            named = {name: _as_float32(value) for name, value in named.items()}
            with torch.autocast("cpu", enabled=False):
                return func(*map(_as_float32, args), **named)
        return func(*args, **named)


def _is_strided_depthwise(
    input: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: int | tuple[int, ...] = 1,
    padding: object = 0,
    dilation: object = 1,
    groups: int = 1,
) -> bool:
    return 1 < groups == weight.shape[0] and weight.shape[1] == 1 and stride not in (1, (1, 1))


def _as_float32(value: object) -> object:
    return value.float() if isinstance(value, torch.Tensor) else value
