"""The random networks are legal, of every kind, and neither saturated nor dead."""

import numpy as np

from crisp_golden.arithmetic.inference import run_network
from crisp_golden.arithmetic.network import MaxPool, QuantizedConv
from crisp_golden.stimuli.random_networks import random_network

SEEDS = range(60)


def test_seeds_decide_everything():
    first, second = random_network(5), random_network(5)
    assert [node.inputs for node in first.nodes] == [node.inputs for node in second.nodes]
    assert first.input_shape == second.input_shape != random_network(6).input_shape


def test_every_kind_of_layer_is_there():
    layers = [node.layer for seed in SEEDS for node in random_network(seed).nodes]
    pools = [layer for layer in layers if isinstance(layer, MaxPool)]
    convs = [layer for layer in layers if isinstance(layer, QuantizedConv)]
    depthwise = [layer for layer in convs if layer.groups == layer.in_channels > 1]
    assert {layer.stride for layer in pools} == {layer.stride for layer in convs} == {1, 2}
    assert any(1 < layer.groups < layer.in_channels for layer in convs)
    assert any(layer.residual for layer in convs)
    assert any(layer.pattern for layer in convs)
    assert any(layer.kernel == (1, 1) for layer in convs)
    assert {layer.kernel[0] for layer in convs} >= {1, 2, 3, 4, 5}
    assert depthwise


def test_all_run_and_most_tensors_use_the_range_of_int8():
    deviations = []
    for seed in SEEDS:
        network = random_network(seed)
        x = np.random.default_rng(seed).integers(-128, 128, (1, *network.input_shape)).astype(np.int8)
        tensors = run_network(network, x)
        read = {name for node in network.nodes for name in node.inputs}
        assert {*tensors} - read == {network.nodes[-1].name}
        deviations += [tensor.std() for tensor in tensors.values() if tensor.size > 20]
    assert np.quantile(deviations, 0.1) > 15
    assert np.median(deviations) < 80
