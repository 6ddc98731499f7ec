"""Pooling: max pooling as a layer of its own, global average pooling as a depthwise convolution."""

import numpy as np

from crisp_golden.arithmetic.fixed_point import quantize_multiplier
from crisp_golden.arithmetic.network import MaxPool, QuantizedConv
from crisp_golden.arithmetic.validation import validate_max_pool, validate_pool_input


def run_max_pool(layer: MaxPool, x: np.ndarray) -> np.ndarray:
    """Max pooling; padded positions read -128 and so never win.

    Parameters
    ----------
    x : int8[B, C, H, W].

    Returns
    -------
    int8[B, C, Ho, Wo] with ``Ho = (H + 2 * padding - kernel) // stride + 1``, and the same zero point.

    Raises
    ------
    LayerError : a size is out of range.
    """
    validate_max_pool(layer)
    validate_pool_input(layer, x)
    pad, kernel, step = layer.padding, layer.kernel, layer.stride
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), constant_values=-128)
    height, width = ((size - kernel) // step + 1 for size in padded.shape[2:])
    out = np.full((*x.shape[:2], height, width), -128, np.int8)
    for dy, dx in np.ndindex(kernel, kernel):
        values = padded[:, :, dy : dy + step * height : step, dx : dx + step * width : step]
        np.maximum(out, values, out=out)
    return out


def global_average_pool_layer(
    name: str,
    channels: int,
    height: int,
    width: int,
    *,
    x_scale: float,
    x_zero_point: int,
    y_scale: float,
    y_zero_point: int,
) -> QuantizedConv:
    """Global average pooling as a depthwise convolution whose weights are all 1.

    The accumulator is the exact sum of the pixels, and the multiplier is ``x_scale / (height * width *
    y_scale)`` to 16 bits, so the only errors are one rounding and a relative error of 2**-16: less than
    0.004 LSB more than the rounding as long as the scales are equal.

    Parameters
    ----------
    height, width : of the input, in pixels; also the kernel.
    x_scale, y_scale : real value of one LSB of the input and of the output.

    Raises
    ------
    LayerError : the multiplier cannot be represented.
    """
    pixels = height * width
    multiplier, shift = quantize_multiplier(np.full(channels, x_scale / (pixels * y_scale)))
    return QuantizedConv(
        name=name,
        weight=np.ones((channels, 1, height, width), np.int8),
        bias=np.full(channels, -x_zero_point * pixels, np.int32),
        multiplier=multiplier,
        shift=shift,
        groups=channels,
        x_zero_point=x_zero_point,
        y_zero_point=y_zero_point,
    )
