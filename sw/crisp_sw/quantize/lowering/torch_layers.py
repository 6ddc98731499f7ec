"""Single layers of torch as fused float layers, with every restriction of the integer network checked."""

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from crisp_spec.errors import CrispError
from crisp_sw.quantize.lowering.float_network import FloatAveragePool, FloatConv, FloatMaxPool, Shape
from crisp_sw.quantize.lowering.folding import fold_batch_norm

MAX_POOL_DEFAULTS = {
    "kernel_size": None,
    "stride": None,
    "padding": 0,
    "dilation": 1,
    "ceil_mode": False,
    "return_indices": False,
}
"""Arguments of max pooling after its input, in their order."""


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
    channels, stride = module.weight.shape[1] * module.groups, _pair(module.stride)
    _require_image(name, source)
    _require(channels == source.shape[0], name, f"{channels} input channels", source.shape[0])
    _require(stride[0] == stride[1], name, "equal strides of both axes", module.stride)
    _require(_pair(module.dilation) == (1, 1), name, "dilation 1", module.dilation)
    _require(module.padding_mode == "zeros", name, "zero padding", module.padding_mode)
    return FloatConv(
        name,
        [source.tensor],
        module.weight.detach().clone(),
        _bias(module),
        stride=stride[0],
        padding=_padding(name, module),
        groups=module.groups,
    )


def _padding(name: str, module: nn.Conv2d) -> tuple[int, int]:
    if not isinstance(module.padding, str):
        return _pair(module.padding)
    if module.padding == "valid":
        return 0, 0
    kh, kw = module.weight.shape[2:]
    _require(kh % 2 == 1 and kw % 2 == 1, name, "an odd kernel for padding='same'", module.kernel_size)
    return kh // 2, kw // 2


def linear(name: str, module: nn.Linear, source: Value) -> FloatConv:
    """A linear layer as the convolution whose kernel covers its whole input map."""
    features = math.prod(source.shape)
    _require(source.flat, name, "a flattened input", source.shape)
    _require(module.weight.shape[1] == features, name, "in_features = C * H * W", source.shape)
    weight = module.weight.detach().reshape(-1, *source.shape).clone()
    return FloatConv(name, [source.tensor], weight, _bias(module))


def max_pool(name: str, source: Value, arguments: dict[str, Any]) -> FloatMaxPool:
    """Max pooling from the arguments of ``nn.MaxPool2d``, by name."""

    def side(argument: str) -> int:
        height, width = _pair(arguments[argument])
        _require(isinstance(height, int), name, f"a constant {argument}", "one that the model computes")
        _require(height == width, name, f"a square {argument}", arguments[argument])
        return height

    _require_image(name, source)
    _require(side("dilation") == 1, name, "dilation 1", arguments["dilation"])
    _require(not arguments["ceil_mode"], name, "ceil_mode=False", arguments["ceil_mode"])
    _require(not arguments["return_indices"], name, "one result", "return_indices=True")
    kernel = side("kernel_size")
    stride = side("stride") if arguments["stride"] else kernel
    return FloatMaxPool(name, [source.tensor], kernel, stride, side("padding"))


def average_pool(name: str, source: Value) -> FloatAveragePool:
    """The average over all pixels."""
    _require_image(name, source)
    return FloatAveragePool(name, [source.tensor])


def fold(name: str, norm: nn.BatchNorm1d | nn.BatchNorm2d, layer: FloatConv) -> None:
    """Fold ``norm`` into the convolution before it."""
    statistics, channels = norm.running_mean, layer.weight.shape[0]
    if statistics is None or norm.running_var is None:
        raise UnsupportedModelError(
            f"layer {name!r} needs running statistics (track_running_stats=True), not those of each batch"
        )
    _require(len(statistics) == channels, name, f"{channels} features", len(statistics))
    layer.weight, layer.bias = fold_batch_norm(layer.weight, layer.bias, norm)


def _pair(value: Any) -> tuple[Any, Any]:
    """The values of both axes; torch lets one stand for both."""
    values = tuple(value) if isinstance(value, list | tuple) else (value,)
    return values[0], values[-1]


def _bias(module: nn.Conv2d | nn.Linear) -> Tensor:
    bias = module.bias
    return module.weight.new_zeros(module.weight.shape[0]) if bias is None else bias.detach().clone()


def _require_image(name: str, source: Value) -> None:
    _require(not source.flat, name, "an image as input", "a flattened tensor")


def _require(condition: bool, name: str, expected: str, found: Any) -> None:
    if not condition:
        raise UnsupportedModelError(f"layer {name!r} needs {expected}, not {found}")
