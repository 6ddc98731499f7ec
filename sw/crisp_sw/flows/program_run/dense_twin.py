"""The same network without sparsity, to see what sparsity is worth on the same hardware."""

from dataclasses import replace

import numpy as np

from crisp_golden.arithmetic.network import Node, QuantizedConv, QuantizedNetwork


def dense_twin(network: QuantizedNetwork) -> QuantizedNetwork:
    """A network of the same shapes with no weight zero and no pattern; its results mean nothing."""
    return replace(network, nodes=tuple(map(_dense_node, network.nodes)))


def _dense_node(node: Node) -> Node:
    layer = node.layer
    if not isinstance(layer, QuantizedConv):
        return node
    weight = np.where(layer.weight == 0, np.int8(1), layer.weight)
    return replace(node, layer=replace(layer, weight=weight, pattern=None))
