"""Layers that are not the file's are found, by the name of the first, and those that are pass."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crisp_golden.arithmetic.network import MaxPool, QuantizedConv
from crisp_sw.exchange.onnx import export_onnx, import_onnx
from crisp_sw.exchange.onnx.errors import OnnxModelError
from crisp_sw.exchange.onnx.importer import comparison, read
from crisp_sw.exchange.onnx.importer.comparison import compare_with_file, seeded_images
from crisp_sw.exchange.onnx.importer.graph import Graph, read_graph
from crisp_sw.exchange.onnx.importer.lowering import lower_graph
from crisp_sw.exchange.onnx.importer.reference import run_reference
from crisp_sw.exchange.onnx.importer.state import LoweredNetwork
from crisp_sw.exchange.onnx.qdq_graph import QdqGraph
from sw.tests.exchange.onnx.importer.qdq_forms import FORMS
from sw.tests.exchange.onnx.networks import quantized, random_qdq_network


def lowered(path: Path) -> tuple[Graph, LoweredNetwork]:
    graph = read_graph(path)
    return graph, lower_graph(graph)


@pytest.mark.parametrize("runtime", [True, False], ids=["runtime", "evaluator"])
@pytest.mark.parametrize("opset", [13, 17])
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_networks_as_they_are_written_pass(form, opset: int, runtime: bool, tmp_path):
    graph = QdqGraph()
    graph.opset = opset
    form(graph)
    compare_with_file(*lowered(graph.save(tmp_path / "net.onnx")), runtime=runtime)


@pytest.mark.parametrize("runtime", [True, False], ids=["runtime", "evaluator"])
@pytest.mark.parametrize("seed", range(200, 208))
def test_exported_networks_pass(seed: int, runtime: bool, tmp_path):
    export_onnx(random_qdq_network(seed), tmp_path / "net.onnx")
    compare_with_file(*lowered(tmp_path / "net.onnx"), runtime=runtime)


def _every_form(g: QdqGraph) -> None:
    """Convolutions, a sum, pooling and a classifier; the layers to be changed are not the first."""
    x = g.qdq(g.node("Relu", g.conv(g.qdq("image"), output="first")), 0.1, -128)
    x = g.qdq(g.node("Add", g.qdq(g.conv(x, output="second"), 0.3, 7), x, output="sum"), 0.35, -20)
    pooled = g.node("MaxPool", x, output="pool", kernel_shape=[2, 2], strides=[2, 2])
    x = g.node("Flatten", g.qdq(pooled, 0.35, -20))
    g.finish(g.node("Gemm", x, g.weight((5, 36)), transB=1, output="last"), 0.9)


def changed(network: LoweredNetwork, name: str, **changes) -> LoweredNetwork:
    nodes = [
        replace(node, layer=replace(node.layer, **changes)) if node.name == name else node
        for node in network.network.nodes
    ]
    return replace(network, network=replace(network.network, nodes=tuple(nodes)))


CHANGES = {
    "zero point of the output": ("second", lambda layer: {"y_zero_point": layer.y_zero_point + 1}),
    "zero point of the input": ("second", lambda layer: {"x_zero_point": layer.x_zero_point + 3}),
    "bias": ("second", lambda layer: {"bias": layer.bias + 200}),
    "one weight": ("second", lambda layer: {"weight": _one_more(layer.weight)}),
    "multiplier": ("last", lambda layer: {"multiplier": layer.multiplier - layer.multiplier // 50}),
    "lost ReLU": ("first", lambda layer: {"q_min": -128, "y_zero_point": 0}),
    "ReLU that is not there": ("second", lambda layer: {"q_min": layer.y_zero_point}),
    "residual": ("sum", lambda layer: {"residual": replace(layer.residual, zero_point=0)}),
    "pooling": ("pool", lambda layer: {"padding": 1, "kernel": 4}),
}


def _one_more(weight: np.ndarray) -> np.ndarray:
    weight = weight.copy()
    weight[0, 0, 1, 1] += 40
    return weight


@pytest.mark.parametrize("change", CHANGES)
def test_the_first_layer_that_differs_is_named(change: str, tmp_path):
    graph = QdqGraph()
    _every_form(graph)
    source, network = lowered(graph.save(tmp_path / "net.onnx"))
    compare_with_file(source, network)
    name, changes = CHANGES[change]
    layer = next(node.layer for node in network.network.nodes if node.name == name)
    assert isinstance(layer, QuantizedConv | MaxPool)
    wrong = changed(changed(network, name, **changes(layer)), "last", y_zero_point=-90)
    with pytest.raises(
        OnnxModelError, match=rf"^{name}: \d+ of \d+ results differ from the file's own, by up"
    ):
        compare_with_file(source, wrong)


def test_another_code_of_the_image_is_noticed(tmp_path):
    graph = QdqGraph()
    _every_form(graph)
    source, network = lowered(graph.save(tmp_path / "net.onnx"))
    wrong = replace(network, network=replace(network.network, input_zero_point=4))
    with pytest.raises(OnnxModelError, match=r"^the image: \d+ of \d+ results differ"):
        compare_with_file(source, wrong)


def test_every_import_is_compared(tmp_path, monkeypatch):
    graph = QdqGraph()
    _every_form(graph)
    path = graph.save(tmp_path / "net.onnx")
    monkeypatch.setattr(read, "lower_graph", lambda graph: changed(lower_graph(graph), "second", stride=2))
    with pytest.raises(
        OnnxModelError, match=r"net.onnx: second: results of shape \(8, 4, 3, 3\); the file's own"
    ):
        import_onnx(path)


def test_without_onnx_runtime_the_evaluator_of_onnx_judges(tmp_path, monkeypatch):
    export_onnx(quantized("small-resnet"), tmp_path / "net.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    import_onnx(tmp_path / "net.onnx")
    first = quantized("small-resnet").nodes[0].name
    monkeypatch.setattr(read, "lower_graph", lambda graph: changed(lower_graph(graph), first, y_zero_point=5))
    with pytest.raises(OnnxModelError, match=rf"{first}: .* results differ from the file's own"):
        import_onnx(tmp_path / "net.onnx")


def test_files_for_a_fixed_number_of_images(tmp_path):
    graph = QdqGraph((3, 4, 6, 6))
    _every_form(graph)
    import_onnx(graph.save(tmp_path / "net.onnx"))


def _says_the_batch_in_many_ways(g: QdqGraph) -> None:
    """Shapes of 4096 images, as tracing writes them: literal, computed, shared, and named like others."""
    literal = g.constant([4096, -1], np.int64)
    x = g.qdq(g.conv(g.node("Reshape", g.qdq("image"), g.constant([4096, 4, 6, 6], np.int64))), 0.2)
    x = g.node("Reshape", g.node("Reshape", x, literal, output="flat"), g.constant([-1, 4, 6, 6], np.int64))
    sizes = g.node(
        "Concat", g.node("Shape", x, end=1), g.constant([144], np.int64), axis=0, output="flat/shape"
    )
    x = g.node("Reshape", g.qdq(g.conv(x), 0.4), sizes)
    x = g.node("Reshape", g.qdq(g.node("Gemm", x, g.weight((5, 144)), transB=1), 0.9), literal)
    g.finish(g.node("Gemm", x, g.weight((3, 5)), transB=1), 2.0)


@pytest.mark.parametrize("runtime", [True, False], ids=["runtime", "evaluator"])
def test_a_file_for_many_images_is_run_for_few(runtime: bool, tmp_path, monkeypatch):
    graph = QdqGraph((4096, 4, 6, 6))
    _says_the_batch_in_many_ways(graph)
    source, network = lowered(graph.save(tmp_path / "net.onnx"))
    seen = []

    def watched(*arguments, **options):
        seen.append(run_reference(*arguments, **options))
        return seen[-1]

    monkeypatch.setattr(comparison, "run_reference", watched)
    compare_with_file(source, network, runtime=runtime)
    assert {len(values) for values in seen[0].values()} == {8}


def test_more_activations_than_can_be_compared(tmp_path, monkeypatch):
    graph = QdqGraph()
    _every_form(graph)
    monkeypatch.setattr(comparison, "MOST_VALUES", 1000)
    import_onnx(graph.save(tmp_path / "net.onnx"))  # one image fits
    monkeypatch.setattr(comparison, "MOST_VALUES", 600)
    with pytest.raises(OnnxModelError, match="617 activations of an image; expected at most 600"):
        import_onnx(graph.save(tmp_path / "net.onnx"))


def test_images_reach_beyond_the_range_and_have_blocks(tmp_path):
    network = replace(random_qdq_network(200), input_shape=(2, 16, 20), input_scale=0.5, input_zero_point=-9)
    images = seeded_images(network, 3)
    assert (images.shape, images.dtype) == ((3, 2, 16, 20), np.float32)
    codes = images / 0.5 - 9
    assert codes.min() < -129
    assert codes.max() > 128
    assert np.ptp(images[0, 0, 8:, 8:16]) == 0
    assert np.unique(images[0, 0, :8]).size == 160
