"""Whole networks: order of layers, residuals, freeing of tensors, and each broken graph by its message."""

from dataclasses import replace

import numpy as np
import pytest

from crisp_golden.arithmetic.convolution import run_conv
from crisp_golden.arithmetic.inference import check_graph, quantize_input, run_network
from crisp_golden.arithmetic.network import MaxPool, Node, QuantizedConv, QuantizedNetwork
from crisp_golden.arithmetic.pooling import global_average_pool_layer, run_max_pool
from crisp_golden.stimuli.random_conv import random_conv, random_int8, random_residual
from crisp_spec.errors import LayerError


def small_network() -> QuantizedNetwork:
    """conv -> pool -> conv (+ pool's output) -> global average -> linear."""
    rng = np.random.default_rng(4)
    average = global_average_pool_layer(
        "average", 6, 4, 4, x_scale=0.1, x_zero_point=3, y_scale=0.1, y_zero_point=3
    )
    source = random_residual(rng, 6)
    nodes = (
        Node(layer=random_conv(rng, (6, 2, 3, 3), name="first", padding=(1, 1)), inputs=("input",)),
        Node(layer=MaxPool(name="pool", kernel=2, stride=2), inputs=("first",)),
        Node(
            layer=random_conv(rng, (6, 6, 3, 3), name="second", padding=(1, 1), residual=source),
            inputs=("pool", "pool"),
        ),
        Node(layer=average, inputs=("second",)),
        Node(layer=random_conv(rng, (3, 6, 1, 1), name="linear"), inputs=("average",)),
    )
    return QuantizedNetwork(
        nodes=nodes, input_shape=(2, 8, 8), input_scale=0.02, input_zero_point=-5, classes=("a", "b", "c")
    )


def conv(network: QuantizedNetwork, name: str) -> QuantizedConv:
    (layer,) = (node.layer for node in network.nodes if node.name == name)
    assert isinstance(layer, QuantizedConv)
    return layer


def test_every_tensor_is_what_its_layer_makes_of_its_inputs():
    network = small_network()
    x = random_int8(np.random.default_rng(0), 5, 2, 8, 8)
    result = run_network(network, x)
    pool = MaxPool(name="pool", kernel=2, stride=2)
    assert list(result) == ["input", "first", "pool", "second", "average", "linear"]
    assert np.array_equal(result["input"], x)
    assert np.array_equal(result["first"], run_conv(conv(network, "first"), x))
    assert np.array_equal(result["pool"], run_max_pool(pool, result["first"]))
    assert np.array_equal(result["second"], run_conv(conv(network, "second"), result["pool"], result["pool"]))
    assert np.array_equal(result["average"], run_conv(conv(network, "average"), result["second"]))
    assert np.array_equal(result["linear"], run_conv(conv(network, "linear"), result["average"]))
    assert result["linear"].shape == (5, 3, 1, 1)


def test_result_alone_equals_result_among_all():
    network = small_network()
    x = random_int8(np.random.default_rng(0), 5, 2, 8, 8)
    result = run_network(network, x, keep_all=False)
    assert list(result) == ["linear"]
    assert np.array_equal(result["linear"], run_network(network, x)["linear"])


def test_input_is_rounded_half_to_even_and_clamped():
    network = replace(small_network(), input_shape=(1, 1, 6), input_scale=0.5)
    images = np.array([0.25, 0.75, -0.25, 1.0, 1000.0, -1000.0], np.float32).reshape(1, 1, 1, 6)
    result = quantize_input(network, images)
    assert result.dtype == np.int8
    assert result.ravel().tolist() == [-5, -3, -5, -3, 127, -128]


def test_images_of_another_shape():
    network = small_network()
    message = r"images have shape \(1, 3, 8, 8\), expected \(batch, 2, 8, 8\)"
    with pytest.raises(LayerError, match=message):
        quantize_input(network, np.zeros((1, 3, 8, 8), np.float32))
    with pytest.raises(LayerError, match=message):
        run_network(network, np.zeros((1, 3, 8, 8), np.int8))


def test_broken_graphs():
    network, x = small_network(), np.zeros((1, 2, 8, 8), np.int8)
    first, pool, second = network.nodes[:3]
    broken = {
        "the network has no nodes": (),
        "two tensors of the network are named 'first'": (first, first),
        "pool: reads 'first', which no earlier node makes": (pool, first),
        "second: reads 1 tensors, expected 2": (first, pool, replace(second, inputs=("pool",))),
        "pool: reads 2 tensors, expected 1": (first, replace(pool, inputs=("first", "first"))),
    }
    for message, nodes in broken.items():
        with pytest.raises(LayerError, match=message):
            run_network(replace(network, nodes=nodes), x)


@pytest.mark.parametrize("shape", [(8, 8), (2, 8, 0)])
def test_a_network_whose_input_is_no_image(shape: tuple[int, ...]):
    with pytest.raises(LayerError) as caught:
        check_graph(replace(small_network(), input_shape=shape))
    assert str(caught.value) == f"the input's shape is {shape}, expected three sizes of at least 1"
