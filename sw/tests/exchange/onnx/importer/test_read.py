"""Forms of QDQ that others write: the imported network computes what ONNX Runtime computes."""

import numpy as np
import onnx
import pytest

from crisp_golden.arithmetic.inference import run_network
from crisp_golden.arithmetic.network import MaxPool, QuantizedConv
from crisp_spec.config import preset
from crisp_sw.compile.compiler import compile_network
from crisp_sw.exchange.onnx import import_onnx
from crisp_sw.exchange.onnx.qdq_graph import IMAGE_SHAPE, QdqGraph
from sw.tests.compile.test_compiler import run_program
from sw.tests.exchange.onnx.importer.qdq_forms import (
    FORMS,
    clip_between_equal_codes,
    max_pool_of_codes,
    means_quantized_for_each_reader,
    quantized_again_with_the_same_code,
    quantized_by_a_node_for_each_reader,
    relu_after_quantization,
    relu_in_the_saturation,
    relu_quantized_for_each_reader,
    squeezed_and_quantized_again,
)
from sw.tests.exchange.onnx.networks import real_outputs
from sw.tests.exchange.onnx.onnx_runtime import run_model_as_written


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_imported_network_computes_what_the_runtime_computes(form, tmp_path):
    graph = QdqGraph()
    form(graph)
    path = graph.save(tmp_path / "net.onnx")
    network = import_onnx(path).network
    images = np.random.default_rng(3).normal(size=(3, *IMAGE_SHAPE)).astype(np.float32)
    expected, found = run_model_as_written(path, images), real_outputs(network, images)
    difference = np.abs(expected - found) / network.scales[network.nodes[-1].name]
    assert difference.max() < 1.01
    assert np.mean(difference > 0.5) < 0.01  # ties alone
    assert np.ptp(expected) > 20 * network.scales[network.nodes[-1].name]


def test_layers_are_named_as_the_nodes(tmp_path):
    graph = QdqGraph()
    max_pool_of_codes(graph)
    network = import_onnx(graph.save(tmp_path / "net.onnx")).network
    assert [node.name for node in network.nodes] == ["conv3", "maxpool5", "conv8"]
    assert isinstance(network.nodes[1].layer, MaxPool)
    assert network.classes == ()


@pytest.mark.parametrize(
    ("form", "limits"), [(relu_after_quantization, (3, 127)), (clip_between_equal_codes, (-3, 33))]
)
def test_a_clamp_of_codes_joins_the_layer_before(form, limits, tmp_path):
    graph = QdqGraph()
    form(graph)
    (node,) = import_onnx(graph.save(tmp_path / "net.onnx")).network.nodes
    assert isinstance(node.layer, QuantizedConv)
    assert (node.name, node.layer.y_zero_point) == ("conv3", 3)
    assert (node.layer.q_min, node.layer.q_max) == limits


@pytest.mark.parametrize(
    ("form", "layers"),
    [
        (quantized_again_with_the_same_code, 3),
        (squeezed_and_quantized_again, 3),
        (quantized_by_a_node_for_each_reader, 5),
        (means_quantized_for_each_reader, 3),
        (relu_quantized_for_each_reader, 4),
    ],
)
def test_codes_that_are_quantized_again_need_no_layer(form, layers, tmp_path):
    graph = QdqGraph()
    form(graph)
    assert len(import_onnx(graph.save(tmp_path / "net.onnx")).network.nodes) == layers


def test_an_addition_of_quantized_tensors_is_a_layer_of_its_own(tmp_path):
    graph = QdqGraph()
    relu_in_the_saturation(graph)
    network = import_onnx(graph.save(tmp_path / "net.onnx")).network
    assert [(node.name, node.inputs) for node in network.nodes] == [
        ("conv3", ("input",)),
        ("add6", ("input", "conv3")),
    ]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_programs_of_imported_networks_compute_them(form, tmp_path):
    graph = QdqGraph()
    form(graph)
    network = import_onnx(graph.save(tmp_path / "net.onnx")).network
    rng = np.random.default_rng(4)
    x = rng.integers(-128, 128, network.input_shape).astype(np.int8)
    expected = run_network(network, x[None])
    program = compile_network(preset("tiny"), network, keep=True)
    for tensor, value in run_program(program, x, rng).items():
        np.testing.assert_array_equal(value, expected[tensor][0], tensor)


def test_the_graphs_are_legal():
    for form in FORMS:
        graph = QdqGraph()
        form(graph)
        onnx.checker.check_model(graph.model())
