"""Whole integer networks: from float images to the predicted class, layer by layer."""

import math

import numpy as np

from crisp_golden.arithmetic.convolution import run_conv
from crisp_golden.arithmetic.network import MAX_IMAGE_VALUES, MaxPool, Node, QuantizedNetwork
from crisp_golden.arithmetic.pooling import run_max_pool
from crisp_spec.errors import LayerError

INPUT = "input"


def quantize_input(network: QuantizedNetwork, images: np.ndarray) -> np.ndarray:
    """Normalised float images as the network's int8 input; halves round to even, as in ONNX and PyTorch.

    Parameters
    ----------
    images : float[B, C, H, W].

    Returns
    -------
    int8[B, C, H, W].

    Raises
    ------
    LayerError : the images do not have the network's input shape.
    """
    _check_images(network, images)
    levels = np.rint(images / np.float32(network.input_scale)) + network.input_zero_point
    return np.clip(levels, -128, 127).astype(np.int8)


def run_network(network: QuantizedNetwork, x: np.ndarray, *, keep_all: bool = True) -> dict[str, np.ndarray]:
    """Run every layer of a network.

    Parameters
    ----------
    x : int8[B, C, H, W].
    keep_all : False frees each tensor after its last use and returns the result alone.

    Returns
    -------
    int8 tensors by name: ``"input"`` and one per node; or only that of the last node.

    Raises
    ------
    LayerError : a layer is not legal, a node reads a tensor that no earlier node made, or shapes disagree.
    """
    _check_images(network, x)
    check_graph(network)
    last_use = {name: index for index, node in enumerate(network.nodes) for name in node.inputs}
    tensors = {INPUT: x}
    for index, node in enumerate(network.nodes):
        tensors[node.name] = run_node(node, [tensors[name] for name in node.inputs])
        if not keep_all:
            last_use.setdefault(node.name, len(network.nodes))
            tensors = {name: tensor for name, tensor in tensors.items() if last_use.get(name, -1) > index}
    return tensors if keep_all else {network.nodes[-1].name: tensors[network.nodes[-1].name]}


def run_node(node: Node, inputs: list[np.ndarray]) -> np.ndarray:
    """Run one layer on the tensors it reads: the input, then the residual if there is one."""
    if isinstance(node.layer, MaxPool):
        return run_max_pool(node.layer, inputs[0])
    return run_conv(node.layer, inputs[0], inputs[1] if len(inputs) > 1 else None)


def check_graph(network: QuantizedNetwork) -> None:
    """Check that a network has layers, and that each reads as many tensors as it must, all of them known.

    Raises
    ------
    LayerError : names the layer, what it reads, or the name that two tensors share.
    """
    shape = network.input_shape
    if len(shape) != 3 or min(shape) < 1:
        raise LayerError(f"the input's shape is {shape}, expected three sizes of at least 1")
    if math.prod(shape) > MAX_IMAGE_VALUES:
        raise LayerError(f"the input's shape is {shape}, expected at most {MAX_IMAGE_VALUES:,} values")
    if not network.nodes:
        raise LayerError("the network has no nodes, expected at least one")
    known = {INPUT}
    for node in network.nodes:
        if node.name in known:
            raise LayerError(f"two tensors of the network are named {node.name!r}, expected unique names")
        expected = 2 if not isinstance(node.layer, MaxPool) and node.layer.residual is not None else 1
        if len(node.inputs) != expected:
            raise LayerError(f"{node.name}: reads {len(node.inputs)} tensors, expected {expected}")
        for name in node.inputs:
            if name not in known:
                raise LayerError(f"{node.name}: reads {name!r}, which no earlier node makes")
        known.add(node.name)


def _check_images(network: QuantizedNetwork, images: np.ndarray) -> None:
    if images.ndim != 4 or images.shape[1:] != tuple(network.input_shape):
        raise LayerError(
            f"images have shape {images.shape}, expected (batch, {', '.join(map(str, network.input_shape))})"
        )
