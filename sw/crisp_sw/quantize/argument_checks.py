"""What quantization asks of images, classes and patterns, and of the weights, before any work."""

import math
from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from crisp_golden.arithmetic.network import Pattern
from crisp_golden.format.pattern import check_parameters
from crisp_spec.errors import PatternError
from crisp_sw.quantize.lowering.float_network import INPUT, FloatConv, FloatNetwork, module_name
from crisp_sw.quantize.lowering.torch_layers import UnsupportedModelError
from crisp_sw.quantize.ranges import CalibrationError


def require_images(images: Any) -> None:
    """Raise CalibrationError unless ``images`` is float[N, C, H, W] with N >= 1, and finite."""
    if not isinstance(images, Tensor):
        raise CalibrationError(f"calibration needs a tensor of images, not a {type(images).__name__}")
    if images.layout is not torch.strided or images.is_meta:
        raise CalibrationError(
            f"calibration needs a dense tensor with values, not {images.layout} on {images.device}"
        )
    if images.ndim != 4 or images.numel() == 0:
        raise CalibrationError(f"calibration needs images [N, C, H, W] with N >= 1, not {list(images.shape)}")
    if not images.is_floating_point():
        raise CalibrationError(
            f"calibration needs floating-point images, normalised as in training, not {images.dtype}"
        )
    finite = images.isfinite()
    if not bool(finite.all()):
        raise CalibrationError(
            f"activation {INPUT!r}: values must be finite, not {images[~finite][0].item()}"
        )


def require_finite(network: FloatNetwork) -> None:
    """Raise, naming the layer, where a weight is NaN or infinite: the activations would not say which."""
    for layer in network.layers:
        if not isinstance(layer, FloatConv):
            continue
        for what, values in (("weights", layer.weight), ("biases", layer.bias)):
            wrong = values[~values.isfinite()].tolist()
            if wrong:
                raise UnsupportedModelError(
                    f"layer {layer.name!r} needs finite {what}, its BatchNorm folded in, not {wrong[0]}"
                )


def require_classes(network: FloatNetwork, classes: Any) -> None:
    """Raise UnsupportedModelError unless ``classes`` has a name for every output, or none at all."""
    names = list(classes) if isinstance(classes, Iterable) and not isinstance(classes, str) else [None]
    if not all(isinstance(name, str) for name in names):
        raise UnsupportedModelError(f"`classes` must be a list of names, not {classes!r}")
    outputs = math.prod(network.shapes[network.layers[-1].name])
    if len(names) not in (0, outputs):
        raise UnsupportedModelError(f"`classes` has {len(names)} names; expected {outputs}, one per output")


def require_patterns(network: FloatNetwork, model: nn.Module, patterns: Mapping[str, Pattern]) -> None:
    """Raise unless every pattern is one, and has the size of a convolution of its name.

    Those of layers that ``model`` has and does not run, such as an auxiliary head, are of no consequence.

    Raises
    ------
    UnsupportedModelError : there is no such layer, or it has another number of block columns.
    PatternError : its N, M and B make no sense, or its mask is none.
    """
    if not isinstance(patterns, Mapping):
        raise UnsupportedModelError(f"`patterns` must be patterns by layer name, not {patterns!r}")
    convolutions = {
        module_name(layer.name): layer for layer in network.layers if isinstance(layer, FloatConv)
    }
    modules = dict(model.named_modules())
    for name, pattern in patterns.items():
        if name not in convolutions and not isinstance(modules.get(name), nn.Conv2d | nn.Linear):
            known = ", ".join(convolutions)
            raise UnsupportedModelError(f"pattern for layer {name!r}, which is not among the layers: {known}")
        _require_pattern(name, pattern)
        if name not in convolutions:
            continue
        channels, kh, kw = convolutions[name].weight.shape[1:]
        columns = kh * kw * -(-channels * convolutions[name].groups // pattern.block)
        if pattern.block_mask.shape[1] != columns:
            raise UnsupportedModelError(
                f"layer {name!r} has a pattern of {pattern.block_mask.shape[1]} block columns, but as a "
                f"convolution of {kh}x{kw} taps it has {columns}; exclude it from pruning"
            )


def _require_pattern(name: str, pattern: Any) -> None:
    if not isinstance(pattern, Pattern):
        raise PatternError(f"{name}: expected a Pattern, not {pattern!r}")
    sizes, mask = (pattern.n, pattern.m, pattern.block), pattern.block_mask
    if not all(isinstance(size, Integral) for size in sizes):
        raise PatternError(f"{name}: n, m and block must be integers, not {sizes}")
    if not isinstance(mask, np.ndarray) or mask.ndim != 2 or mask.dtype != bool:
        raise PatternError(f"{name}: block_mask must be an array bool[rows, columns], not {mask!r}")
    try:
        check_parameters(pattern)
    except PatternError as error:
        raise PatternError(f"{name}: {error}") from error
