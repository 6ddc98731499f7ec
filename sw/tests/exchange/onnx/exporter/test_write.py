"""ONNX Runtime computes what golden computes, up to the rounding of ties."""

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest

from crisp_golden.arithmetic.inference import quantize_input, run_network
from crisp_golden.arithmetic.network import QuantizedConv, QuantizedNetwork
from crisp_golden.arithmetic.shapes import tensor_shapes
from crisp_golden.stimuli.random_networks import random_network
from crisp_sw.exchange.onnx import export_onnx, library, onnx_model
from crisp_sw.exchange.onnx.errors import OnnxModelError
from crisp_sw.exchange.onnx.exporter.scales import tensor_scales
from crisp_sw.exchange.onnx.exporter.write import CLASSES_KEY, METADATA_KEY
from sw.tests.exchange.onnx.networks import images, quantized, random_qdq_network
from sw.tests.exchange.onnx.onnx_runtime import run_layer, run_model
from sw.tests.predicted_classes import predicted_classes
from sw.tests.small_programs import small_network

NETWORKS = ("small-resnet", "small-mobilenet-v2", "vgg16-bn-32px")
# Golden rounds halves up and ONNX halves to even, and float32 may move a sum onto a half or off it.
SHARE_OF_TIES = 2e-3


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("name", [*NETWORKS, "sparse"])
def test_every_layer_is_within_one_step(name: str, fused: bool):
    network = small_network() if name == "sparse" else quantized(name)
    model = onnx_model(network)
    x = quantize_input(network, _images(network, 4))
    golden = run_network(network, x)
    differing = values = 0
    for node in network.nodes:
        found = run_layer(model, {n: golden[n] for n in node.inputs}, node.name, fused=fused)
        difference = np.abs(found.reshape(golden[node.name].shape).astype(int) - golden[node.name])
        assert difference.max() <= 1, node.name
        differing, values = differing + np.count_nonzero(difference), values + difference.size
    assert differing <= SHARE_OF_TIES * values


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_runtime_predicts_the_same_classes(name: str, fused: bool):
    network, batch = quantized(name), images(64)
    logits = run_model(onnx_model(network), batch, fused=fused)
    scores = run_network(network, quantize_input(network, batch), keep_all=False)
    (best, second) = np.sort(next(iter(scores.values())).reshape(64, -1).astype(int), axis=1)[:, :-3:-1].T
    clear = best - second > 2
    assert clear.mean() > 0.8
    assert np.array_equal(logits.argmax(1)[clear], predicted_classes(network, batch)[clear])


def test_logits_have_their_real_unit():
    network, batch = quantized("small-resnet"), images(8)
    last = network.nodes[-1]
    codes = run_network(network, quantize_input(network, batch))[last.name].reshape(8, -1).astype(float)
    expected = (codes - last.layer.y_zero_point) * network.scales[last.name]  # pyright: ignore[reportAttributeAccessIssue]
    logits = run_model(onnx_model(network), batch, fused=False)
    assert np.abs(logits - expected).max() <= 4 * network.scales[last.name]


def _images(network: QuantizedNetwork, count: int) -> np.ndarray:
    shape = (count, *network.input_shape)
    return np.random.default_rng(5).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("seed", range(100, 120))
def test_every_layer_of_random_networks_is_within_one_step(seed: int):
    """Kernels, strides, groups, clamps and multipliers at random; no layer knows its scale."""
    network = random_qdq_network(seed)
    model = onnx_model(network)
    x = np.random.default_rng(seed).integers(-128, 128, (2, *network.input_shape)).astype(np.int8)
    golden = run_network(network, x)
    for node in network.nodes:
        found = run_layer(model, {n: golden[n] for n in node.inputs}, node.name, fused=False)
        difference = np.abs(found.reshape(golden[node.name].shape).astype(int) - golden[node.name])
        assert difference.max() <= 1, f"seed {seed}, {node.name}"
        assert np.count_nonzero(difference) <= max(2, 0.01 * difference.size), f"seed {seed}, {node.name}"


def _with_layer(network: QuantizedNetwork, **changes) -> QuantizedNetwork:
    """The network with its second layer changed."""
    first, second, *rest = network.nodes
    assert isinstance(second.layer, QuantizedConv)
    changed = replace(second, layer=replace(second.layer, **changes))
    return replace(network, nodes=(first, changed, *rest))


def test_networks_that_qdq_cannot_say(tmp_path):
    network = quantized("small-resnet")
    name = network.nodes[1].name
    layer = network.nodes[1].layer
    assert isinstance(layer, QuantizedConv)
    dead = layer.multiplier.copy()
    dead[3] = 0
    for changes, message in (
        ({"x_zero_point": 5}, f"{name}: reads '.*' with the zero point 5, which is made with -128"),
        ({"multiplier": dead}, f"{name}: the multiplier of channel 3 is 0; expected at least 1"),
    ):
        with pytest.raises(OnnxModelError, match=message):
            export_onnx(_with_layer(network, **changes), tmp_path / "net.onnx")
    candidates = map(random_network, range(99))
    random = next(net for net in candidates if any(len(node.inputs) > 1 for node in net.nodes))
    with pytest.raises(OnnxModelError, match="residual's multipliers stand for different scales"):
        tensor_scales(random, tensor_shapes(random))
    assert list(tmp_path.iterdir()) == []


def test_file_is_complete_and_says_what_it_is(tmp_path):
    network = quantized("small-resnet")
    export_onnx(network, tmp_path / "deep" / "net.onnx", {"mean": [0.5]})
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["net.onnx"]
    model = onnx.load(tmp_path / "deep" / "net.onnx")
    notes = {item.key: json.loads(item.value) for item in model.metadata_props}
    assert notes == {CLASSES_KEY: list("abcdefg"), METADATA_KEY: {"mean": [0.5]}}
    assert model.producer_name == "crisp-stc"
    operators = {node.op_type for node in model.graph.node}
    assert operators == {
        *("QuantizeLinear", "DequantizeLinear", "Conv", "Add", "Relu", "GlobalAveragePool", "Flatten", "Gemm")
    }
    weights = [item for item in model.graph.initializer if item.name.endswith("/weight")]
    assert {item.data_type for item in weights} == {onnx.TensorProto.INT8}


def test_the_same_network_gives_the_same_file(tmp_path):
    for name in ("one", "two"):
        export_onnx(quantized("small-resnet"), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_without_onnx_one_message_says_how_to_get_it(monkeypatch, tmp_path):
    def missing(name: str):
        raise ImportError(name)

    monkeypatch.setattr(library.importlib, "import_module", missing)
    with pytest.raises(OnnxModelError, match=r"onnx, which is not installed; expected crisp-stc\[onnx\]"):
        export_onnx(quantized("small-resnet"), tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []
