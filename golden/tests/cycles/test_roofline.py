"""Lower bounds, against numbers worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from crisp_golden.arithmetic.input_mapping import InputMapping
from crisp_golden.arithmetic.network import MaxPool, Node, QuantizedNetwork
from crisp_golden.cycles.roofline import (
    GroupBound,
    NetworkBound,
    mapped_network,
    network_bound,
    network_needs,
)
from crisp_golden.stimuli.shaped_layers import ConvShape, random_layer
from crisp_golden.stimuli.small_cores import small_core
from crisp_spec.config import CoreConfig

CORE = small_core(4, 4, 2, 4, bus_bits=64)  # words of 8 channels, one beat each


def chain(seed: int = 0) -> QuantizedNetwork:
    """An image [8, 6, 6], a 3x3 convolution to 12 channels, one to 8 by 1x1 at N = 1, their maxima to 3x3."""
    rng = np.random.default_rng(seed)
    first = random_layer(rng, ConvShape(channels_per_group=8, outputs_per_group=12, n=4))
    pointwise = ConvShape(kernel=(1, 1), padding=(0, 0), channels_per_group=12, outputs_per_group=8, n=1)
    layers = {
        "first": replace(first, name="first"),
        "second": replace(random_layer(rng, pointwise), name="second"),
        "pool": MaxPool(name="pool", kernel=2, stride=2),
    }
    inputs = ("input", "first", "second")
    return QuantizedNetwork(
        nodes=tuple(Node(layer=layer, inputs=(x,)) for layer, x in zip(layers.values(), inputs, strict=True)),
        input_shape=(8, 6, 6),
        input_scale=1.0,
        input_zero_point=0,
    )


def test_compute_is_slots_of_kept_windows_and_column_groups():
    first, second, pool = network_needs(CORE, chain()).layers
    assert (first.kept, first.windows, first.n) == (27, 27, 4)  # 3 row tiles, 9 taps, one channel block
    assert first.compute == 27 * 4 * 9
    assert (second.kept, second.n) == (4, 1)  # 2 row tiles, 2 channel blocks
    assert second.compute == 4 * 1 * 9
    assert pool.compute == 2 * 4 * 3  # 2 row tiles, 4 taps each, 9 pixels are 3 column groups
    assert (first.channels, first.reduction, first.pixels) == (12, 72, 36)


def test_parameters_are_weights_indices_and_channels():
    first, second, pool = network_needs(CORE, chain()).layers
    # 27 windows of 4 slots of 4 rows of 2 lanes, no group indices; 27 block indices of 2 bytes; 12 channels
    # of 8 bytes; beats of 8 bytes.
    assert first.parameters == -(-(27 * 32 + 54 + 96) // 8)
    # 4 windows of one slot of 8 weights with 2 bits of index each.
    assert second.parameters == -(-(32 + 8 + 8 + 64) // 8)
    # No weights; 8 block indices; 8 channels, and as many of the residual path, which takes the maxima.
    assert pool.parameters == (16 + 64 + 32) // 8


def test_layer_by_layer_every_tensor_is_written_and_read():
    needs = network_needs(CORE, chain())
    first, second, pool = network_bound(needs).groups
    assert first.read == 36 + needs.layers[0].parameters
    assert (first.write, second.read - needs.layers[1].parameters) == (72, 72)
    assert (second.write, pool.read - needs.layers[2].parameters) == (36, 36)
    assert pool.write == 9


def test_fused_layers_exchange_no_beats():
    needs = network_needs(CORE, chain())
    (group,) = network_bound(needs, [["first", "second", "pool"]]).groups
    assert group.compute == sum(layer.compute for layer in needs.layers)
    assert group.read == 36 + sum(layer.parameters for layer in needs.layers)
    assert group.write == 9


def test_resident_tensors_cost_no_beats():
    needs = network_needs(CORE, chain())
    groups = [["first", "second"], ["pool"]]
    before, after = network_bound(needs, groups, resident={"second"}).groups
    assert before.write == 0
    assert after.read == needs.layers[2].parameters
    assert network_bound(needs, groups).groups[0].write == 36


def test_a_tensor_with_two_readers_in_a_group_is_read_once():
    network = chain()
    doubled = replace(network, nodes=(*network.nodes, replace(network.nodes[2], inputs=("second",))))
    nodes = (*doubled.nodes[:3], replace(doubled.nodes[3], layer=MaxPool(name="again", kernel=2, stride=2)))
    needs = network_needs(CORE, replace(doubled, nodes=nodes))
    _, group = network_bound(needs, [["first", "second"], ["pool", "again"]]).groups
    assert group.read == 36 + needs.layers[2].parameters + needs.layers[3].parameters


@pytest.mark.parametrize(
    ("cycles", "limit"), [((5, 3, 4), "compute"), ((3, 5, 4), "read"), ((1, 2, 3), "write")]
)
def test_a_group_is_bound_by_the_slowest(cycles: tuple[int, int, int], limit: str):
    compute, read, write = cycles
    group = GroupBound(layers=("a",), compute=compute, read=read, write=write)
    assert (group.cycles, group.limit) == (max(cycles), limit)


def test_bound_of_a_network():
    groups = (
        GroupBound(layers=("a",), compute=10, read=4, write=1),
        GroupBound(layers=("b",), compute=3, read=8, write=1),
    )
    assert NetworkBound(groups).cycles == 18
    assert NetworkBound(groups).overlapped == 13


def test_mapped_network_reads_the_rearranged_image():
    network = chain()
    mapping = InputMapping(
        channels=8,
        height=6,
        width=6,
        kernel=(3, 3),
        stride=1,
        padding=(1, 1),
        patches=(False, True),
        pixel_channels=8,
        fill=0,
    )
    mapped = mapped_network(network, mapping)
    assert mapped.input_shape == mapping.shape
    assert mapped.nodes[1:] == network.nodes[1:]
    assert network_needs(CORE, mapped).layers[0].reduction == 72
    assert mapped_network(network, None) is network


def test_wider_bus_moves_more():
    wide: CoreConfig = small_core(4, 4, 4, 4, bus_bits=128)
    narrow: CoreConfig = small_core(4, 4, 4, 4, bus_bits=64)
    needs = [network_needs(config, chain()) for config in (wide, narrow)]
    assert needs[0].input * 2 == needs[1].input
