"""Integer network -> QDQ ONNX -> integer network: the same bits."""

from dataclasses import replace

import numpy as np
import pytest

from crisp_golden.arithmetic.inference import quantize_input, run_network
from crisp_golden.arithmetic.network import QuantizedConv
from crisp_golden.format.pattern import check_layer_structure
from crisp_sw.exchange.onnx import export_onnx, import_onnx
from sw.tests.exchange.onnx.networks import assert_same_arithmetic, images, quantized, random_qdq_network
from sw.tests.small_programs import small_network

NETWORKS = ("small-resnet", "small-mobilenet-v2", "vgg16-bn-32px", "resnet50-32px", "mobilenet-v2-32px")


@pytest.mark.parametrize("name", NETWORKS)
def test_every_parameter_comes_back_bit_for_bit(name: str, tmp_path):
    network = quantized(name)
    export_onnx(network, tmp_path / "net.onnx", {"mean": [0.5, 0.4, 0.3]})
    imported = import_onnx(tmp_path / "net.onnx")
    assert_same_arithmetic(network, imported.network)
    assert imported.network.classes == network.classes
    assert imported.metadata == {"mean": [0.5, 0.4, 0.3]}
    for node_name, scale in network.scales.items():
        # Residual layers and poolings may move their output's scale by the rounding of a multiplier.
        assert imported.network.scales[node_name] == pytest.approx(scale, rel=2**-15)


def test_outputs_are_equal(tmp_path):
    network = quantized("small-resnet")
    export_onnx(network, tmp_path / "net.onnx")
    imported = import_onnx(tmp_path / "net.onnx").network
    one, two = (run_network(net, quantize_input(net, images(8))) for net in (network, imported))
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        assert np.array_equal(tensor, two[name]), name


def test_patterns_are_found_again(tmp_path):
    network = small_network()
    export_onnx(network, tmp_path / "net.onnx")
    imported = import_onnx(tmp_path / "net.onnx").network
    assert_same_arithmetic(network, imported)
    pruned = 0
    for a, b in zip(network.nodes, imported.nodes, strict=True):
        if not isinstance(a.layer, QuantizedConv) or not isinstance(b.layer, QuantizedConv):
            continue
        assert (a.layer.pattern is None) == (b.layer.pattern is None), a.name
        check_layer_structure(b.layer)
        if a.layer.pattern and b.layer.pattern:
            assert (a.layer.pattern.n, a.layer.pattern.m) == (b.layer.pattern.n, b.layer.pattern.m)
            pruned += 1
    assert pruned > 10


def test_without_scales_the_arithmetic_is_the_same(tmp_path):
    network = replace(quantized("small-resnet"), scales={})
    export_onnx(network, tmp_path / "net.onnx")
    assert_same_arithmetic(network, import_onnx(tmp_path / "net.onnx").network)


@pytest.mark.parametrize("seed", range(200, 230))
def test_random_networks_compute_the_same(seed: int, tmp_path):
    """Their multipliers are not all normal, so that the same scale may come back as another fraction."""
    network = random_qdq_network(seed)
    export_onnx(network, tmp_path / "net.onnx")
    imported = import_onnx(tmp_path / "net.onnx").network
    x = np.random.default_rng(seed).integers(-128, 128, (2, *network.input_shape)).astype(np.int8)
    one, two = run_network(network, x), run_network(imported, x)
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        assert np.array_equal(tensor, two[name]), f"seed {seed}, {name}"


def test_networks_of_these_tests_have_every_kind_of_layer():
    networks = [*map(quantized, NETWORKS), *map(random_qdq_network, range(200, 230))]
    layers = [node.layer for network in networks for node in network.nodes]
    convolutions = [layer for layer in layers if isinstance(layer, QuantizedConv)]
    assert len(convolutions) < len(layers)
    assert any(layer.residual for layer in convolutions)
    assert any(layer.groups == layer.in_channels > 1 for layer in convolutions)
    assert any(1 < layer.groups < layer.in_channels for layer in convolutions)
    assert any(layer.q_min > -128 and layer.q_max < 127 for layer in convolutions)
