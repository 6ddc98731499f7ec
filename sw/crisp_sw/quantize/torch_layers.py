"""Single layers of torch as fused float layers, with every restriction of the integer network checked."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from crisp_golden.errors import CrispError
from crisp_sw.quantize.float_network import FloatConv, FloatMaxPool, Shape


class UnsupportedModelError(CrispError):
    """The model contains something that the integer network cannot express."""


@dataclass(frozen=True)
class Value:
    """What an fx node stands for: a tensor, its shape, and whether it is flattened to [B, C * H * W]."""

    tensor: str
    shape: Shape
    flat: bool = False


def conv(name: str, module: nn.Conv2d, source: Value) -> FloatConv:
    """The convolution of ``module``, not yet fused with what follows."""
    channels = source.shape[0]
    _require(not source.flat, name, "an image as input", "a flattened tensor")
    _require(module.in_channels == channels, name, f"{module.in_channels} input channels", channels)
    _require(module.stride[0] == module.stride[1], name, "equal strides of both axes", module.stride)
    _require(module.dilation == (1, 1), name, "dilation 1", module.dilation)
    _require(module.padding_mode == "zeros", name, "zero padding", module.padding_mode)
    return FloatConv(
        name,
        [source.tensor],
        module.weight.detach().clone(),
        _bias(module),
        stride=module.stride[0],
        padding=_padding(name, module),
        groups=module.groups,
    )


def _padding(name: str, module: nn.Conv2d) -> tuple[int, int]:
    if not isinstance(module.padding, str):
        return module.padding[0], module.padding[1]
    if module.padding == "valid":
        return 0, 0
    kh, kw = module.kernel_size
    _require(kh % 2 == 1 and kw % 2 == 1, name, "an odd kernel for padding='same'", module.kernel_size)
    return kh // 2, kw // 2


def linear(name: str, module: nn.Linear, source: Value) -> FloatConv:
    """A linear layer as the convolution whose kernel covers its whole input map."""
    channels, height, width = source.shape
    one_pixel = height == width == 1
    _require(source.flat or one_pixel, name, "a flattened input", source.shape)
    _require(module.in_features == channels * height * width, name, "in_features = C * H * W", source.shape)
    weight = module.weight.detach().reshape(-1, channels, height, width).clone()
    return FloatConv(name, [source.tensor], weight, _bias(module))


def max_pool(name: str, source: Value, arguments: dict[str, Any]) -> FloatMaxPool:
    """Max pooling from the arguments of ``nn.MaxPool2d``, by name."""

    def side(argument: str) -> int:
        value = arguments[argument]
        sides = set(value) if isinstance(value, list | tuple) else {value}
        _require(len(sides) == 1, name, f"a square {argument}", value)
        return sides.pop()

    _require(side("dilation") == 1, name, "dilation 1", arguments["dilation"])
    _require(not arguments["ceil_mode"], name, "ceil_mode=False", arguments["ceil_mode"])
    kernel = side("kernel_size")
    stride = side("stride") if arguments["stride"] else kernel
    return FloatMaxPool(name, [source.tensor], kernel, stride, side("padding"))


def _bias(module: nn.Conv2d | nn.Linear) -> Tensor:
    bias = module.bias
    return module.weight.new_zeros(module.weight.shape[0]) if bias is None else bias.detach().clone()


def _require(condition: bool, name: str, expected: str, found: Any) -> None:
    if not condition:
        raise UnsupportedModelError(f"layer {name!r} needs {expected}, not {found}")
