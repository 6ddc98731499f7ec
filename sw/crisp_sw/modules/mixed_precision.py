"""Running a model's convolutions and products in bfloat16, at full speed on a CPU too."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from crisp_spec.errors import CrispError
from crisp_sw.choices import AUTO_PRECISION, PRECISIONS


class PrecisionError(CrispError):
    """There is no such precision."""


def find_precision(name: str, device: torch.device) -> str:
    """Return one of `PRECISIONS` by its name; "auto" is the one that training on the device is faster in.

    Raises
    ------
    PrecisionError : there is none of that name.
    """
    if name == AUTO_PRECISION:
        return "bfloat16" if has_fast_bfloat16(device) else "float32"
    if name not in PRECISIONS:
        raise PrecisionError(
            f"no precision {name!r}; expected one of {', '.join((AUTO_PRECISION, *PRECISIONS))}"
        )
    return name


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether a device multiplies bfloat16 in hardware; elsewhere it is emulated, at a fraction of the speed.

    Of processors those with AVX512-BF16 are known to; a PyTorch that cannot tell (2.6) counts as none.
    """
    if device.type == "cpu":
        capabilities = getattr(torch.cpu, "get_capabilities", dict)()
        return bool(capabilities.get("avx512_bf16"))
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return False


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
