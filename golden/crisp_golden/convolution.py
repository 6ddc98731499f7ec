"""Integer convolution: the fast, exact, vectorised specification of what the core computes.

Products are summed by floating-point matrix multiplication, which is exact as long as every partial sum
is an integer below 2**24 (float32) or 2**53 (float64). The layer's own weights decide which is needed.
"""

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from crisp_golden.fixedpoint import accumulator_bound, requantize
from crisp_golden.network import QuantizedConv
from crisp_golden.validation import validate_input, validate_layer, validate_residual

# Elements of the im2col matrix held at a time: small enough for a cache, large enough for the BLAS.
CHUNK_ELEMENTS = 1 << 20


def accumulate(layer: QuantizedConv, x: np.ndarray) -> np.ndarray:
    """Accumulators of a convolution, before its output stage.

    Parameters
    ----------
    x : int8[B, C, H, W]; positions outside the image read ``x_zero_point``.

    Returns
    -------
    int32[B, K, Ho, Wo], ``bias[k] + sum(weight * x)``, exact.

    Raises
    ------
    LayerError : the layer is not legal, or the input does not fit it.
    """
    validate_layer(layer)
    validate_input(layer, x)
    out = np.empty(_out_shape(layer, x), np.int32)
    for images in _chunks(layer, x):
        out[images] = _accumulate_channels_last(layer, x[images]).transpose(0, 3, 1, 2)
    return out


def run_conv(layer: QuantizedConv, x: np.ndarray, residual: np.ndarray | None = None) -> np.ndarray:
    """One convolution with its output stage.

    Parameters
    ----------
    x : int8[B, C, H, W]; positions outside the image read ``x_zero_point``.
    residual : int8[B, K, Ho, Wo], exactly when the layer has a residual input.

    Returns
    -------
    int8[B, K, Ho, Wo], as `crisp_golden.network.QuantizedConv` defines it.

    Raises
    ------
    LayerError : the layer is not legal, or the tensors do not fit it.
    """
    validate_layer(layer)
    validate_input(layer, x)
    validate_residual(layer, x, residual)
    out = np.empty(_out_shape(layer, x), np.int8)
    for images in _chunks(layer, x):
        acc = _accumulate_channels_last(layer, x[images])
        added = None if residual is None else residual[images].transpose(0, 2, 3, 1)
        out[images] = requantize(acc, layer, added, channel_axis=3).transpose(0, 3, 1, 2)
    return out


def _out_shape(layer: QuantizedConv, x: np.ndarray) -> tuple[int, int, int, int]:
    height, width = layer.out_size(x.shape[2], x.shape[3])
    return len(x), layer.out_channels, height, width


def _chunks(layer: QuantizedConv, x: np.ndarray) -> Iterator[slice]:
    """Slices of the batch whose im2col matrices have about ``CHUNK_ELEMENTS`` elements."""
    _, out_channels, height, width = _out_shape(layer, x)
    columns = layer.in_channels * layer.kernel[0] * layer.kernel[1]
    step = max(1, CHUNK_ELEMENTS // (height * width * max(columns, out_channels)))
    return (slice(first, first + step) for first in range(0, len(x), step))


def _accumulate_channels_last(layer: QuantizedConv, x: np.ndarray) -> np.ndarray:
    """int32[B, Ho, Wo, K] of an int8[B, C, H, W] input.

    Channels go last because the im2col copy then moves runs of ``kw * C`` elements.
    """
    ph, pw = layer.padding
    pixels = np.pad(
        x.transpose(0, 2, 3, 1), ((0, 0), (ph, ph), (pw, pw), (0, 0)), constant_values=layer.x_zero_point
    )
    depthwise = layer.groups > 1 and layer.weight.shape[1] == 1
    acc = _depthwise_products(layer, pixels) if depthwise else _grouped_products(layer, pixels)
    return acc + layer.bias


def _grouped_products(layer: QuantizedConv, pixels: np.ndarray) -> np.ndarray:
    """int32[B, Ho, Wo, K] without bias, by one matrix product per group over im2col columns."""
    groups, (kh, kw), step = layer.groups, layer.kernel, layer.stride
    dtype = _exact_float(layer)
    windows = sliding_window_view(pixels.astype(dtype), (kh, kw), axis=(1, 2))[:, ::step, ::step]
    batch, height, width, channels = windows.shape[:4]
    split = windows.reshape(batch, height, width, groups, channels // groups, kh, kw)
    columns = split.transpose(3, 0, 1, 2, 5, 6, 4).reshape(groups, batch * height * width, -1)
    weight = layer.weight.reshape(groups, -1, channels // groups, kh, kw).astype(dtype)
    matrix = weight.transpose(0, 3, 4, 2, 1).reshape(groups, columns.shape[2], -1)
    products = np.matmul(columns, matrix).astype(np.int32)
    return products.transpose(1, 0, 2).reshape(batch, height, width, -1)


def _depthwise_products(layer: QuantizedConv, pixels: np.ndarray) -> np.ndarray:
    """int32[B, Ho, Wo, K] without bias, for groups of one input channel, tap by tap."""
    (kh, kw), step = layer.kernel, layer.stride
    height, width = (pixels.shape[1] - kh) // step + 1, (pixels.shape[2] - kw) // step + 1
    per_group = layer.out_channels // layer.groups
    pixels = pixels.astype(np.int32)
    if per_group > 1:
        pixels = pixels.repeat(per_group, axis=3)
    acc = np.zeros((len(pixels), height, width, layer.out_channels), np.int32)
    for dy, dx in np.ndindex(kh, kw):
        rows = slice(dy, dy + step * height, step)
        cols = slice(dx, dx + step * width, step)
        acc += pixels[:, rows, cols] * layer.weight[:, 0, dy, dx].astype(np.int32)
    return acc


def _exact_float(layer: QuantizedConv) -> type:
    """The narrowest float type that holds every partial sum of this layer's products exactly."""
    bound = accumulator_bound(layer.weight, np.zeros_like(layer.bias)).max()
    return np.float32 if bound < 1 << 24 else np.float64
