"""Float models that ONNX Runtime itself has quantized, with its options."""

from collections.abc import Callable

import numpy as np
import pytest

from crisp_sw.exchange.onnx import import_onnx
from crisp_sw.exchange.onnx.qdq_graph import IMAGE_SHAPE, QdqGraph
from sw.tests.exchange.onnx.networks import real_outputs
from sw.tests.exchange.onnx.onnx_runtime import run_model_as_written


def relu_after_the_sum(g: QdqGraph, branch: str, x: str) -> str:
    """A block of ResNet."""
    return g.node("Relu", g.node("Add", branch, x))


def relu_before_the_sum(g: QdqGraph, branch: str, x: str) -> str:
    """A block of DarkNet, whose ReLU the runtime turns into the saturation of QuantizeLinear."""
    return g.node("Add", x, g.node("Relu", branch))


OPTIONS = (
    {},
    {"ActivationSymmetric": True},
    {"DedicatedQDQPair": True},
    {"AddQDQPairToWeight": True, "QuantizeBias": False},
    {"QDQKeepRemovableActivations": True, "ForceQuantizeNoInputCheck": True},
)


@pytest.mark.parametrize("options", OPTIONS, ids="-".join)
@pytest.mark.parametrize("kind", ["QInt8", "QUInt8"])
@pytest.mark.parametrize("block", [relu_after_the_sum, relu_before_the_sum])
def test_model_quantized_by_onnx_runtime(block, kind: str, options: dict[str, bool], tmp_path):
    """Float model -> the runtime's own static quantization -> golden: the same results, but for ties."""
    quantization = pytest.importorskip("onnxruntime.quantization")
    rng = np.random.default_rng(0)
    graph = QdqGraph()
    _float_residual_network(graph, rng, block)
    source = graph.save(tmp_path / "float.onnx")
    images = rng.normal(size=(64, *IMAGE_SHAPE)).astype(np.float32)
    quantization.quantize_static(
        str(source),
        str(tmp_path / "int8.onnx"),
        _Reader(images),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
        activation_type=quantization.QuantType[kind],
        weight_type=quantization.QuantType.QInt8,
        extra_options=options,
    )
    network = import_onnx(tmp_path / "int8.onnx").network
    expected, found = run_model_as_written(tmp_path / "int8.onnx", images), real_outputs(network, images)
    steps = np.abs(expected - found) / network.scales[network.nodes[-1].name]
    assert steps.max() < 1.01
    assert np.mean(steps > 0.5) < 0.02


def _float_residual_network(
    g: QdqGraph, rng: np.random.Generator, block: Callable[[QdqGraph, str, str], str]
) -> None:
    def conv(source: str, shape: tuple[int, int]) -> str:
        weight = rng.normal(size=(*shape, 3, 3)) / np.sqrt(9 * shape[1])
        return g.node("Conv", source, g.constant(weight), g.constant(rng.normal(size=shape[0])), pads=[1] * 4)

    x = g.node("Relu", conv("image", (8, 4)))
    x = g.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = block(g, conv(g.node("Relu", conv(x, (8, 8))), (8, 8)), x)
    x = g.node("Flatten", g.node("GlobalAveragePool", x))
    weight, bias = g.constant(rng.normal(size=(6, 8))), g.constant(rng.normal(size=6))
    g.node("Gemm", x, weight, bias, transB=1, output="result")


class _Reader:
    """Calibration images one by one, as the runtime's quantizer wants them."""

    def __init__(self, images: np.ndarray):
        self._images = iter(images)

    def get_next(self) -> dict[str, np.ndarray] | None:
        image = next(self._images, None)
        return None if image is None else {"image": image[None]}
