"""Choice of the input's rearrangement: the one with which the first layer takes the fewest cycles."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from crisp_golden.arithmetic.inference import INPUT
from crisp_golden.arithmetic.input_mapping import InputMapping
from crisp_golden.arithmetic.network import Node, QuantizedConv, QuantizedNetwork
from crisp_golden.arithmetic.validation import validate_layer
from crisp_golden.cycles.core_cycles import workload_cycles
from crisp_golden.format.pattern import check_layer_structure
from crisp_golden.pack.workload import layer_workload
from crisp_spec.config import CoreConfig
from crisp_spec.errors import CapacityError


def map_input(config: CoreConfig, network: QuantizedNetwork) -> tuple[QuantizedNetwork, InputMapping | None]:
    """Rewrite the first layer for a rearranged image, if that makes the network faster or possible.

    Returns
    -------
    the network that reads the rearranged image, and the mapping; the network as it is, and None.

    Raises
    ------
    LayerError, PatternError : the first layer is not legal.
    CapacityError : it fits in no way; the message is about the image as it is, if the core knows the stride.
    """
    readers = [node for node in network.nodes if INPUT in node.inputs]
    node = readers[0]
    layer = node.layer
    if len(readers) != 1 or not isinstance(layer, QuantizedConv):
        return network, None
    validate_layer(layer)
    check_layer_structure(layer)
    plain = layer.groups == 1 and layer.residual is None and layer.in_channels == network.input_shape[0]
    if not plain or layer.in_channels >= config.word_channels:
        return network, None
    costs: list[tuple[int, InputMapping | None]] = []
    failures: list[CapacityError] = []
    for mapping in _candidates(config, layer, network.input_shape):
        try:
            costs.append((_cost(config, layer, network.input_shape, mapping), mapping))
        except CapacityError as failure:
            failures.append(failure)
    if not costs:
        raise failures[0]
    _, chosen = min(costs, key=lambda pair: pair[0])
    if chosen is None:
        return network, None
    rewritten = Node(layer=chosen.rewrite(layer), inputs=node.inputs)
    nodes = tuple(rewritten if other is node else other for other in network.nodes)
    return replace(network, nodes=nodes, input_shape=chosen.shape), chosen


def _candidates(
    config: CoreConfig, layer: QuantizedConv, shape: tuple[int, int, int]
) -> Iterator[InputMapping | None]:
    """The image as it is, None, if the core knows the layer's stride; and every rearrangement."""
    if layer.stride <= 2:
        yield None
    channels, height, width = shape
    padded = -(-channels // config.m) * config.m
    for patch_y, patch_x, pixel in product((False, True), (False, True), sorted({channels, padded})):
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


def _cost(
    config: CoreConfig, layer: QuantizedConv, shape: tuple[int, int, int], mapping: InputMapping | None
) -> int:
    """Cycles of the slower of computing and loading, one band at a time at worst."""
    if mapping:
        layer, shape = mapping.rewrite(layer), mapping.shape
    channels, height, width = shape
    cycles = workload_cycles(config, layer_workload(config, layer, channels), height, width).total
    loads = -(-channels // config.word_channels) * height * width * config.word_bits // config.bus_bits
    return max(cycles, loads)
