"""Compares every layer of an imported network with the file's own results."""

import math
from collections.abc import Iterator

import numpy as np

from crisp_golden.arithmetic.convolution import accumulate
from crisp_golden.arithmetic.fixed_point import accumulator_bound
from crisp_golden.arithmetic.inference import INPUT
from crisp_golden.arithmetic.network import MaxPool, Node, QuantizedConv, QuantizedNetwork
from crisp_golden.arithmetic.pooling import run_max_pool
from crisp_golden.arithmetic.shapes import tensor_shapes
from crisp_sw.exchange.onnx.errors import OnnxModelError
from crisp_sw.exchange.onnx.file.budget import compared_images
from crisp_sw.exchange.onnx.importer.channels import MOST_CHANGE
from crisp_sw.exchange.onnx.importer.graph import Graph
from crisp_sw.exchange.onnx.importer.reference import run_reference
from crisp_sw.exchange.onnx.importer.state import LoweredNetwork, SourceTensor

MOST_VALUES = 1 << 27
"""Activations of all tensors together that are held in memory to be compared."""

CHUNK_VALUES = 1 << 20
"""Results of a layer that are compared at a time."""

FLOAT_ERROR = 2.0**-18
"""Of float32 sums, relative to the largest that the accumulator can be."""

BLOCK = 8
"""Edge of the blocks of one colour in seeded images."""

# What a layer computes before it rounds, how far that may be off, and what the file gives there.
Part = tuple[np.ndarray, np.ndarray | float, np.ndarray]


def compare_with_file(graph: Graph, lowered: LoweredNetwork, *, runtime: bool = True) -> None:
    """Run a file on seeded images, and each layer on what the file gives it: only rounding may differ.

    Each result of the file must be a rounding of the layer's exact value, up to the 16 bits of multipliers,
    to what `fit_channels` allows and to float32's sums, and must saturate where the layer does.

    Parameters
    ----------
    runtime : of `run_reference`.

    Raises
    ------
    OnnxModelError : names the first layer whose results differ; or the file is too large, or cannot be run.
    """
    network, tensors = lowered.network, lowered.tensors
    values = sum(math.prod(shape) for shape in tensor_shapes(network).values())
    if values > MOST_VALUES:
        raise OnnxModelError(
            f"{values} activations of an image; expected at most {MOST_VALUES}, as they are compared with "
            "the file's own results"
        )
    images = min(compared_images(graph.batch, network.input_shape), MOST_VALUES // values)
    feed = {graph.image[0]: seeded_images(network, images)}
    names = [tensor.graph_name for tensor in tensors.values()]
    found = run_reference(graph.model, feed, names, reshaped=lowered.reshaped, runtime=runtime)
    codes = {name: _codes(name, tensor, found[tensor.graph_name]) for name, tensor in tensors.items()}
    _require_rounded("the image", (-128, 127), _image_parts(network, feed[graph.image[0]], codes[INPUT]))
    for node in network.nodes:
        _require_rounded(node.name, _limits(node), _parts(node, codes))


def seeded_images(network: QuantizedNetwork, batch: int) -> np.ndarray:
    """float32[batch, C, H, W]: stripes of noise and of larger blocks, a tenth beyond the input's range."""
    shape = (batch, *network.input_shape)
    noise = np.random.default_rng(0).random(shape, np.float32) * np.float32(281) - np.float32(141)
    blocks = noise[..., ::BLOCK, ::BLOCK].repeat(BLOCK, axis=2).repeat(BLOCK, axis=3)
    for row in range(BLOCK, shape[2], 2 * BLOCK):
        noise[:, :, row : row + BLOCK] = blocks[:, :, row : row + BLOCK, : shape[3]][:, :, : shape[2] - row]
    noise -= np.float32(network.input_zero_point)
    noise *= np.float32(network.input_scale)
    return noise


def _codes(name: str, tensor: SourceTensor, values: np.ndarray) -> np.ndarray:
    """The file's values of a tensor as int8[B, C, H, W], whether they are codes or real numbers."""
    if values.size % math.prod(tensor.shape):
        raise OnnxModelError(
            f"{name}: the file's own result has shape {values.shape}; expected {tensor.shape} of each image"
        )
    if values.dtype == np.uint8:
        values = values.astype(np.int16) - 128
    elif values.dtype != np.int8:
        values = np.nan_to_num(np.rint(values / tensor.code.scale) + tensor.code.zero_point, nan=-128)
    return np.clip(values, -128, 127).astype(np.int8).reshape(-1, *tensor.shape)


def _limits(node: Node) -> tuple[int, int]:
    layer = node.layer
    return (layer.q_min, layer.q_max) if isinstance(layer, QuantizedConv) else (-128, 127)


def _image_parts(network: QuantizedNetwork, images: np.ndarray, found: np.ndarray) -> Iterator[Part]:
    """The exact codes of images, a block at a time."""
    for block in _blocks(found.shape):
        exact = images[block] / np.float64(network.input_scale) + network.input_zero_point
        yield exact, np.abs(exact) * FLOAT_ERROR, found[block]


def _parts(node: Node, codes: dict[str, np.ndarray]) -> Iterator[Part]:
    """A layer's exact results, a block at a time."""
    layer, found = node.layer, codes[node.name]
    x, *residual = (codes[name] for name in node.inputs)
    result = run_max_pool(layer, x) if isinstance(layer, MaxPool) else accumulate(layer, x)
    if result.shape != found.shape:
        raise OnnxModelError(
            f"{node.name}: results of shape {result.shape}; the file's own are {found.shape}"
        )
    for block in _blocks(result.shape):
        if isinstance(layer, MaxPool):
            yield result[block], 0.0, found[block]
        else:
            added = residual[0][block] if residual else None
            yield *_exact(layer, block[1], result[block], added), found[block]


def _blocks(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice, slice]]:
    """Slices of images, channels and rows that hold about `CHUNK_VALUES` of the shape (B, K, H, W)."""
    images, channels, height, width = shape
    rows = min(height, max(1, CHUNK_VALUES // (images * width)))
    step = max(1, CHUNK_VALUES // (images * rows * width))
    for first in range(0, channels, step):
        for row in range(0, height, rows):
            yield slice(None), slice(first, first + step), slice(row, row + rows)


def _exact(
    layer: QuantizedConv, channels: slice, acc: np.ndarray, residual: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """What some channels are before their rounding, and how far the file's may be from that."""

    def of_channels(values: np.ndarray) -> np.ndarray:
        return values.astype(np.float64)[:, None, None]

    step = of_channels(np.ldexp(1.0, -layer.shift[channels].astype(np.int64)))
    multiplier = of_channels(layer.multiplier[channels])
    largest = of_channels(accumulator_bound(layer.weight[channels], layer.bias[channels]))
    exact = acc * (multiplier * step) + layer.y_zero_point
    # A multiplier is off by half of its last bit.
    error = np.abs(acc) * (step / 2) + largest * multiplier * step * FLOAT_ERROR + MOST_CHANGE
    if residual is not None and layer.residual is not None:
        step = step * of_channels(np.ldexp(1.0, layer.residual.shift[channels].astype(np.int64)))
        added = residual.astype(np.float64) - layer.residual.zero_point
        exact += added * (of_channels(layer.residual.multiplier[channels]) * step)
        error += np.abs(added) * (step / 2)
    return exact, error


def _require_rounded(name: str, limits: tuple[int, int], parts: Iterator[Part]) -> None:
    """Raise unless all results of the file are roundings of a layer's."""
    count = differing = worst = 0
    for exact, error, found in parts:
        lowest = np.clip(np.ceil(exact - 0.5 - error), *limits)
        highest = np.clip(np.floor(exact + 0.5 + error), *limits)
        off = np.maximum(lowest - found, found - highest)
        count, differing = count + off.size, differing + np.count_nonzero(off > 0)
        worst = max(worst, int(off.max(initial=0)))
    if differing:
        raise OnnxModelError(
            f"{name}: {differing} of {count} results differ from the file's own, by up to {worst} steps more "
            "than rounding; expected none"
        )
