"""The dense twin of a network."""

import numpy as np

from crisp_golden.arithmetic.network import QuantizedConv
from crisp_golden.cycles.roofline import network_needs
from crisp_spec.config import preset
from crisp_sw.flows.program_run.dense_twin import dense_twin
from sw.tests.small_programs import small_network


def test_no_weight_is_zero_and_the_others_stay():
    for node, dense in zip(small_network().nodes, dense_twin(small_network()).nodes, strict=True):
        assert node.inputs == dense.inputs
        if isinstance(node.layer, QuantizedConv):
            assert isinstance(dense.layer, QuantizedConv)
            assert dense.layer.pattern is None
            assert np.count_nonzero(dense.layer.weight) == dense.layer.weight.size
            kept = node.layer.weight != 0
            np.testing.assert_array_equal(dense.layer.weight[kept], node.layer.weight[kept])
        else:
            assert dense is node


def test_dense_layers_visit_every_window():
    config = preset("small")
    sparse, dense = (network_needs(config, net) for net in (small_network(), dense_twin(small_network())))
    by_name = {need.name: need for need in dense.layers}
    assert by_name["layer4.1.conv2"].kept == by_name["layer4.1.conv2"].windows
    assert by_name["layer4.1.conv2"].n == config.m
    assert sum(need.compute for need in dense.layers) > sum(need.compute for need in sparse.layers)
