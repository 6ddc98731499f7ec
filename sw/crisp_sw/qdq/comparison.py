"""Compares every layer of an imported network with the file's own results."""

import math
from collections.abc import Iterator

import numpy as np

from crisp_golden.convolution import accumulate
from crisp_golden.fixedpoint import accumulator_bound
from crisp_golden.inference import INPUT
from crisp_golden.network import MaxPool, Node, QuantizedConv, QuantizedNetwork
from crisp_golden.pooling import run_max_pool
from crisp_sw.qdq.channels import MOST_CHANGE
from crisp_sw.qdq.errors import OnnxModelError
from crisp_sw.qdq.graph import Graph
from crisp_sw.qdq.reference import run_reference
from crisp_sw.qdq.shapes import tensor_shapes
from crisp_sw.qdq.state import LoweredNetwork, SourceTensor

MOST_VALUES = 1 << 27
"""Activations of all tensors together that are held in memory to be compared."""

BATCH_VALUES, BATCH_IMAGES = 1 << 14, 8
"""Small images are compared several at a time, up to so many values or images."""

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
    batch = graph.batch or max(1, min(BATCH_IMAGES, BATCH_VALUES // math.prod(network.input_shape)))
    if batch * values > MOST_VALUES:
        raise OnnxModelError(
            f"{batch} x {values} activations of {batch} images; expected at most {MOST_VALUES}, as they are "
            "compared with the file's own results"
        )
    images = seeded_images(network, batch)
    names = [tensor.graph_name for tensor in tensors.values()]
    found = run_reference(graph.model, {graph.image[0]: images}, names, runtime=runtime)
    codes = {name: _codes(name, tensor, found[tensor.graph_name]) for name, tensor in tensors.items()}
    exact = images / np.float64(network.input_scale) + network.input_zero_point
    _require_rounded("the image", (-128, 127), [(exact, np.abs(exact) * FLOAT_ERROR, codes[INPUT])])
    for node in network.nodes:
        _require_rounded(node.name, _limits(node), _parts(node, codes))


def seeded_images(network: QuantizedNetwork, batch: int) -> np.ndarray:
    """float32[batch, C, H, W]: stripes of noise and of larger blocks, a tenth beyond the input's range."""
    shape = (batch, *network.input_shape)
    noise = np.random.default_rng(0).uniform(-141, 140, shape)
    blocks = noise[..., ::BLOCK, ::BLOCK].repeat(BLOCK, axis=2).repeat(BLOCK, axis=3)
    striped = np.arange(shape[2])[:, None] // BLOCK % 2
    codes = np.where(striped, blocks[..., : shape[2], : shape[3]], noise)
    return ((codes - network.input_zero_point) * network.input_scale).astype(np.float32)


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


def _parts(node: Node, codes: dict[str, np.ndarray]) -> Iterator[Part]:
    """A layer's exact results, of some channels at a time."""
    layer, found = node.layer, codes[node.name]
    x, *residual = (codes[name] for name in node.inputs)
    if isinstance(layer, MaxPool):
        yield run_max_pool(layer, x), 0.0, found
        return
    acc = accumulate(layer, x)
    bound = accumulator_bound(layer.weight, layer.bias)
    step = max(1, CHUNK_VALUES * layer.out_channels // acc.size)
    for first in range(0, layer.out_channels, step):
        channels = slice(first, first + step)
        added = residual[0][:, channels] if residual else None
        yield *_exact(layer, channels, acc[:, channels], added, bound[channels]), found[:, channels]


def _exact(
    layer: QuantizedConv, channels: slice, acc: np.ndarray, residual: np.ndarray | None, bound: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What some channels are before their rounding, and how far the file's may be from that."""

    def of_channels(values: np.ndarray) -> np.ndarray:
        return values.astype(np.float64)[:, None, None]

    step = of_channels(np.ldexp(1.0, -layer.shift[channels].astype(np.int64)))
    multiplier = of_channels(layer.multiplier[channels])
    exact = acc * (multiplier * step) + layer.y_zero_point
    # A multiplier is off by half of its last bit.
    error = np.abs(acc) * (step / 2) + of_channels(bound) * multiplier * step * FLOAT_ERROR + MOST_CHANGE
    if residual is not None and layer.residual is not None:
        step = step * of_channels(np.ldexp(1.0, layer.residual.shift[channels].astype(np.int64)))
        added = residual.astype(np.float64) - layer.residual.zero_point
        exact += added * (of_channels(layer.residual.multiplier[channels]) * step)
        error += np.abs(added) * (step / 2)
    return exact, error


def _require_rounded(name: str, limits: tuple[int, int], parts: Iterator[Part] | list[Part]) -> None:
    """Raise unless all results of the file are roundings of a layer's."""
    count = differing = worst = 0
    for exact, error, found in parts:
        if found.shape != exact.shape:
            raise OnnxModelError(f"{name}: results of shape {exact.shape}; the file's own are {found.shape}")
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
