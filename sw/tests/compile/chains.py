"""The plainest of networks: layers of ones, each reading the one before."""

from typing import Any

import numpy as np

from crisp_golden.arithmetic.inference import INPUT
from crisp_golden.arithmetic.network import MaxPool, Node, QuantizedConv, QuantizedNetwork


def conv(name: str, inputs: int, outputs: int, kernel: int = 1, **fields: Any) -> QuantizedConv:
    """A convolution whose weights are all 1."""
    return QuantizedConv(
        name=name,
        weight=np.ones((outputs, inputs, kernel, kernel), np.int8),
        bias=np.zeros(outputs, np.int32),
        multiplier=np.ones(outputs, np.uint16),
        shift=np.full(outputs, 8, np.uint8),
        **fields,
    )


def chain(shape: tuple[int, int, int], *layers: QuantizedConv | MaxPool) -> QuantizedNetwork:
    """Layers one behind the other, on an image of (C, H, W)."""
    names = [INPUT, *(layer.name for layer in layers)]
    nodes = (Node(layer=layer, inputs=(x,)) for layer, x in zip(layers, names, strict=False))
    return QuantizedNetwork(nodes=tuple(nodes), input_shape=shape, input_scale=1.0, input_zero_point=0)
