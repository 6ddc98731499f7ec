"""Integer convolution: the fast, exact, vectorised specification of what the core computes.

Products are summed by floating-point matrix multiplication, which is exact as long as every partial sum
is an integer below 2**24 (float32) or 2**53 (float64). The layer's own weights decide which is needed.
"""

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from crisp_golden.arithmetic.fixed_point import accumulator_bound, requantize
from crisp_golden.arithmetic.network import QuantizedConv
from crisp_golden.arithmetic.validation import validate_input, validate_layer, validate_residual

# Elements of the im2col matrix held at a time: bounds the memory, and is large enough for the BLAS.
CHUNK_ELEMENTS = 1 << 22


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
    for images, rows, acc in _accumulators(layer, x):
        out[images, :, rows] = acc.transpose(1, 0, 2, 3)
    return out


def run_conv(layer: QuantizedConv, x: np.ndarray, residual: np.ndarray | None = None) -> np.ndarray:
    """One convolution with its output stage.

    Parameters
    ----------
    x : int8[B, C, H, W]; positions outside the image read ``x_zero_point``.
    residual : int8[B, K, Ho, Wo], exactly when the layer has a residual input.

    Returns
    -------
    int8[B, K, Ho, Wo], as `crisp_golden.arithmetic.network.QuantizedConv` defines it.

    Raises
    ------
    LayerError : the layer is not legal, or the tensors do not fit it.
    """
    validate_layer(layer)
    validate_input(layer, x)
    validate_residual(layer, x, residual)
    out = np.empty(_out_shape(layer, x), np.int8)
    for images, rows, acc in _accumulators(layer, x):
        added = None if residual is None else residual[images, :, rows].transpose(1, 0, 2, 3)
        out[images, :, rows] = requantize(acc, layer, added, channel_axis=0).transpose(1, 0, 2, 3)
    return out


def exact_float(layer: QuantizedConv) -> type[np.float32] | type[np.float64]:
    """The narrowest float type that holds every partial sum of this layer's products exactly.

    The order in which a matrix product sums is not known, so every subset of the products must stay within
    the integers that the type has: 2**24 for float32. The 2**31 of legal layers always fit float64.
    """
    bound = accumulator_bound(layer.weight, np.zeros_like(layer.bias)).max()
    return np.float32 if bound <= 1 << 24 else np.float64


def _out_shape(layer: QuantizedConv, x: np.ndarray) -> tuple[int, int, int, int]:
    height, width = layer.out_size(x.shape[2], x.shape[3])
    return len(x), layer.out_channels, height, width


def _accumulators(layer: QuantizedConv, x: np.ndarray) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Yield (images, output rows, int32[K, B, rows, Wo]) of all chunks of the output.

    Channels go first, because a matrix product of the weight as it is with im2col columns then gives them.
    """
    ph, pw = layer.padding
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=layer.x_zero_point)
    depthwise = layer.groups > 1 and layer.weight.shape[1] == 1
    dtype = np.int32 if depthwise else exact_float(layer)
    weight = layer.weight.astype(dtype)
    bias = layer.bias[:, None, None, None]
    for images, rows in _chunks(layer, x):
        band = slice(rows.start * layer.stride, (rows.stop - 1) * layer.stride + layer.kernel[0])
        pixels = padded[images, :, band].transpose(1, 0, 2, 3)
        products = _depthwise_products if depthwise else _grouped_products
        yield images, rows, products(weight, pixels, layer) + bias


def _chunks(layer: QuantizedConv, x: np.ndarray) -> Iterator[tuple[slice, slice]]:
    """Images and output rows whose im2col matrices have about ``CHUNK_ELEMENTS`` elements."""
    batch, out_channels, height, width = _out_shape(layer, x)
    columns = layer.in_channels * layer.kernel[0] * layer.kernel[1]
    lines = max(1, CHUNK_ELEMENTS // (width * max(columns, out_channels)))
    for image in range(0, batch, max(1, lines // height)):
        for row in range(0, height, lines):
            yield (
                slice(image, min(batch, image + max(1, lines // height))),
                slice(row, min(height, row + lines)),
            )


def _grouped_products(weight: np.ndarray, pixels: np.ndarray, layer: QuantizedConv) -> np.ndarray:
    """int32[K, B, rows, Wo] without bias, by one matrix product per group over im2col columns.

    Parameters
    ----------
    weight : float[K, C / groups, kh, kw], in a type that is exact.
    pixels : int8[C, B, H, W], the padded rows that the output rows read.
    """
    groups, step = layer.groups, layer.stride
    windows = sliding_window_view(pixels, layer.kernel, axis=(2, 3))[:, :, ::step, ::step]
    out_shape = (layer.out_channels, *windows.shape[1:4])
    columns = windows.transpose(0, 4, 5, 1, 2, 3).astype(weight.dtype, order="C")
    matrix = weight.reshape(groups, layer.out_channels // groups, -1)
    products = np.matmul(matrix, columns.reshape(groups, matrix.shape[2], -1))
    return products.astype(np.int32).reshape(out_shape)


def _depthwise_products(weight: np.ndarray, pixels: np.ndarray, layer: QuantizedConv) -> np.ndarray:
    """int32[K, B, rows, Wo] without bias, for groups of one input channel, tap by tap.

    Parameters
    ----------
    weight : int32[K, 1, kh, kw].
    pixels : int8[C, B, H, W], the padded rows that the output rows read.
    """
    (kh, kw), step = layer.kernel, layer.stride
    height, width = (pixels.shape[2] - kh) // step + 1, (pixels.shape[3] - kw) // step + 1
    pixels = pixels.astype(np.int32).repeat(layer.out_channels // layer.groups, axis=0)
    acc = np.zeros((layer.out_channels, pixels.shape[1], height, width), np.int32)
    for dy, dx in np.ndindex(kh, kw):
        rows = slice(dy, dy + step * height, step)
        cols = slice(dx, dx + step * width, step)
        acc += pixels[:, :, rows, cols] * weight[:, 0, dy, dx, None, None, None]
    return acc
