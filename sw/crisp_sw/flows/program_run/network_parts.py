"""The parts of a network: it is cut wherever a single tensor passes from the layers before to those behind.

A part runs alone, on the tensor that the integer model has there. So each can be checked by itself, and a
long run can be interrupted and taken up again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from crisp_golden.arithmetic.inference import INPUT
from crisp_golden.arithmetic.network import Node, QuantizedNetwork


@dataclass(frozen=True)
class NetworkPart:
    """Consecutive layers that read one tensor from outside.

    Attributes
    ----------
    number : from 0.
    source : name of the tensor that they read, in the whole network.
    network : the layers as a network of their own; that tensor is its input.
    """

    number: int
    source: str
    network: QuantizedNetwork

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers."""
        return tuple(node.name for node in self.network.nodes)


def network_parts(network: QuantizedNetwork, tensors: Mapping[str, np.ndarray]) -> list[NetworkPart]:
    """Cut a network into as many parts as there can be.

    Parameters
    ----------
    tensors : int8[B, C, H, W] by name, as `crisp_golden.arithmetic.inference.run_network` returns them.
    """
    result, first, source = [], 0, INPUT
    for cut in range(1, len(network.nodes) + 1):
        crossing = _crossing(network, cut)
        if cut < len(network.nodes) and (len(crossing) != 1 or crossing[0] == source):
            continue
        nodes = tuple(_reading_input(node, source) for node in network.nodes[first:cut])
        channels, height, width = tensors[source].shape[1:]
        part = replace(network, nodes=nodes, input_shape=(channels, height, width))
        result.append(NetworkPart(len(result), source, part))
        first, source = cut, crossing[0] if crossing else ""
    return result


def _crossing(network: QuantizedNetwork, cut: int) -> list[str]:
    """Tensors that exist before layer ``cut`` and are read from there on."""
    before = {INPUT, *(node.name for node in network.nodes[:cut])}
    behind = {name for node in network.nodes[cut:] for name in node.inputs}
    return sorted(before & behind)


def _reading_input(node: Node, source: str) -> Node:
    return replace(node, inputs=tuple(INPUT if name == source else name for name in node.inputs))
