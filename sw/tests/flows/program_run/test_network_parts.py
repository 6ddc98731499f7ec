"""Networks cut where a single tensor passes."""

import numpy as np

from crisp_golden.arithmetic.inference import run_network
from crisp_sw.flows.program_run.network_parts import network_parts
from sw.tests.small_programs import small_network, small_tensors


def test_parts_are_the_blocks_of_a_residual_network():
    parts = network_parts(small_network(), small_tensors())
    assert [list(part.layers) for part in parts[:4]] == [
        ["conv1"],
        ["maxpool"],
        ["layer1.0.conv1", "layer1.0.conv2"],
        ["layer1.1.conv1", "layer1.1.conv2"],
    ]
    assert [part.number for part in parts] == list(range(len(parts)))
    assert [part.source for part in parts[:4]] == ["input", "conv1", "maxpool", "layer1.0.conv2"]


def test_every_layer_is_in_one_part():
    parts = network_parts(small_network(), small_tensors())
    assert [name for part in parts for name in part.layers] == [node.name for node in small_network().nodes]


def test_parts_compute_what_the_network_does():
    for part in network_parts(small_network(), small_tensors()):
        made = run_network(part.network, small_tensors()[part.source])
        for name in part.layers:
            np.testing.assert_array_equal(made[name], small_tensors()[name])
