"""Choice of the input's rearrangement: the one with which the first layer takes the fewest cycles."""

from dataclasses import replace
from itertools import product

from crisp_golden.config import CoreConfig
from crisp_golden.cycles import workload_cycles
from crisp_golden.inference import INPUT
from crisp_golden.network import Node, QuantizedConv, QuantizedNetwork
from crisp_golden.program.input_mapping import InputMapping
from crisp_golden.workload import layer_workload


def map_input(config: CoreConfig, network: QuantizedNetwork) -> tuple[QuantizedNetwork, InputMapping | None]:
    """Rewrite the first layer for a rearranged image, if that makes the network faster or possible.

    Returns
    -------
    the network that reads the rearranged image, and the mapping; the network as it is, and None.
    """
    readers = [node for node in network.nodes if INPUT in node.inputs]
    node = readers[0]
    layer = node.layer
    if len(readers) != 1 or not isinstance(layer, QuantizedConv) or layer.groups != 1:
        return network, None
    if layer.residual is not None or layer.in_channels >= config.window:
        return network, None
    best = _plain_cost(config, layer, network.input_shape)
    chosen = None
    for mapping in _candidates(config, layer, network.input_shape):
        cost = _cost(config, mapping.rewrite(layer), mapping.shape)
        if best is None or cost < best:
            best, chosen = cost, mapping
    if chosen is None:
        return network, None
    rewritten = Node(layer=chosen.rewrite(layer), inputs=node.inputs)
    nodes = tuple(rewritten if other is node else other for other in network.nodes)
    return replace(network, nodes=nodes, input_shape=chosen.shape), chosen


def _candidates(config: CoreConfig, layer: QuantizedConv, shape: tuple[int, int, int]):
    channels, height, width = shape
    padded = -(-channels // config.m) * config.m
    options = product((False, True), (False, True), sorted({channels, padded}))
    for patch_y, patch_x, pixel in options:
        yield InputMapping(
            channels=channels,
            height=height,
            width=width,
            kernel=layer.kernel,
            stride=layer.stride,
            padding=layer.padding,
            patches=(patch_y, patch_x),
            pixel_channels=pixel,
            fill=layer.x_zero_point,
        )


def _plain_cost(config: CoreConfig, layer: QuantizedConv, shape: tuple[int, int, int]) -> int | None:
    """Cost without a mapping; None if the core does not know the stride."""
    return _cost(config, layer, shape) if layer.stride <= 2 else None


def _cost(config: CoreConfig, layer: QuantizedConv, shape: tuple[int, int, int]) -> int:
    """Cycles of the slower of computing and loading, one band at a time at worst."""
    channels, height, width = shape
    cycles = workload_cycles(config, layer_workload(config, layer, channels), height, width).total
    loads = -(-channels // config.window) * height * width * config.window_bits // config.bus_bits
    return max(cycles, loads)
