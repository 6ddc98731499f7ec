"""What the importer cannot express is refused in one sentence that names the node."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest

from crisp_spec.errors import CrispError
from crisp_sw.exchange.onnx import OnnxModelError, export_onnx, import_onnx
from crisp_sw.exchange.onnx.qdq_graph import QdqGraph
from sw.tests.exchange.onnx.networks import quantized


def image(g: QdqGraph) -> str:
    return g.qdq("image")


def constant_bias(g: QdqGraph, shape: tuple[int, ...]) -> str:
    return g.node("Add", g.conv(image(g)), g.constant(np.ones(shape)))


def shared_float(g: QdqGraph) -> None:
    x = g.conv(image(g))
    g.finish(g.node("Add", g.node("Relu", x), x))


def sum_after_activation(g: QdqGraph) -> None:
    x = image(g)
    g.finish(g.node("Add", g.node("Relu", g.conv(x)), x))


def sum_of_three(g: QdqGraph) -> None:
    x = image(g)
    g.finish(g.node("Add", g.node("Add", g.conv(x), x), x))


def padded_residual(g: QdqGraph) -> str:
    x = image(g)
    padded = g.node("Pad", x, g.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64))
    return g.node("Add", g.conv(x, pads=[2, 2, 2, 2]), padded)


def two_outputs(g: QdqGraph) -> None:
    g.finish(g.conv(image(g)))
    g.outputs.append(g.nodes[0].output[0])


def not_the_last(g: QdqGraph) -> None:
    x = g.qdq(g.conv(image(g)))
    g.finish(g.conv(x))
    g.nodes[-1].output[0] = "unused"
    g.node("Identity", x, output="result")


def weights_per_input(g: QdqGraph) -> str:
    return g.conv(image(g), g.weight((4, 4, 3, 3), axis=1))


def wide_weights(g: QdqGraph) -> str:
    levels = g.constant(np.full((4, 4, 3, 3), 255), np.uint8)
    return g.conv(image(g), g.node("DequantizeLinear", levels, g.constant(0.1)))


def pool(g: QdqGraph, **attributes) -> str:
    return g.conv(g.qdq(g.node("MaxPool", image(g), **attributes)))


Build = Callable[[QdqGraph], str | None]
CASES: dict[str, tuple[Build, str]] = {
    "sigmoid": (
        lambda g: g.node("Sigmoid", g.conv(image(g))),
        "Sigmoid 'sigmoid4' has no integer counterpart; supported are QuantizeLinear,",
    ),
    "softmax result": (lambda g: g.node("Softmax", image(g)), "Softmax .* has no integer counterpart"),
    "batch norm": (
        lambda g: g.node("BatchNormalization", image(g), *[g.constant(np.ones(4)) for _ in range(4)]),
        "BatchNormalization .* has no integer counterpart",
    ),
    "float image": (
        lambda g: g.conv("image"),
        "Conv 'conv1' reads the image unquantized; expected QuantizeLinear before it",
    ),
    "float between layers": (
        lambda g: g.conv(g.conv(image(g))),
        "Conv 'conv5' reads 'conv3' unquantized; expected QuantizeLinear between them",
    ),
    "float weights": (
        lambda g: g.conv(image(g), g.constant(np.ones((4, 4, 3, 3)))),
        r"Conv 'conv2' needs quantized weights \(DequantizeLinear of int8\), not float numbers",
    ),
    "scales per input": (weights_per_input, "needs scales per output channel, not per entry of axis 1"),
    "unsigned weights": (
        wide_weights,
        "needs weights that fit int8 without their zero point, not 0 to 255",
    ),
    "dilation": (lambda g: g.conv(image(g), dilations=[2, 2]), "needs dilation 1"),
    "strides": (lambda g: g.conv(image(g), strides=[1, 2]), "needs equal strides of both axes"),
    "one-sided padding": (
        lambda g: g.conv(image(g), pads=[0, 0, 1, 1]),
        r"needs equal padding on opposite sides, not \[0, 0, 1, 1\]",
    ),
    "automatic padding": (
        lambda g: g.node("Conv", image(g), g.weight(), auto_pad="SAME_UPPER"),
        "has auto_pad 'SAME_UPPER'; expected NOTSET or VALID",
    ),
    "kernel beyond the image": (
        lambda g: g.conv(image(g), g.weight((4, 4, 9, 9)), pads=[0] * 4),
        r"has no output pixel for an input of \(C, H, W\) = \(4, 6, 6\)",
    ),
    "oblong pooling": (lambda g: pool(g, kernel_shape=[1, 2]), "MaxPool .* needs a square kernel"),
    "pooling that rounds up": (
        lambda g: pool(g, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
        "MaxPool .* has ceil_mode 1, which adds windows beyond the image; expected 0",
    ),
    "average of windows": (
        lambda g: g.node("AveragePool", image(g), kernel_shape=[2, 2]),
        r"AveragePool .* must average over the whole image of \(6, 6\) pixels",
    ),
    "mean over channels": (
        lambda g: g.node("ReduceMean", image(g), axes=[1]),
        "ReduceMean .* must average over the axes 2 and 3",
    ),
    "bias per column": (lambda g: constant_bias(g, (1, 1, 6)), "adds a constant that is no bias per channel"),
    "bias after activation": (
        lambda g: g.node("Add", g.node("Relu", g.conv(image(g))), g.constant(np.ones((4, 1, 1)))),
        "adds to 'conv3', which ends in an activation or addition; expected QuantizeLinear between them",
    ),
    "shared float": (shared_float, "the float output of layer 'conv3' has 2 readers; expected one"),
    "sum after activation": (
        sum_after_activation,
        "adds to 'conv3', which ends in an activation or addition; expected QuantizeLinear between them",
    ),
    "sum of three": (sum_of_three, "Add .* adds to 'conv3', which ends in an activation or addition"),
    "padded residual": (padded_residual, "Add .* reads a padded image; expected Conv after Pad"),
    "relu of the float image": (lambda g: g.node("Relu", "image"), "Relu .* reads the image unquantized"),
    "other scale": (
        lambda g: g.conv(g.dq(g.q("image", 0.1), 0.2)),
        "DequantizeLinear .*: scale or zero point differ from those of 'input'",
    ),
    "16 bits": (
        lambda g: g.conv(g.qdq("image", 0.1, 0, np.int16)),
        "has y_zero_point of the type int16; expected int8 or uint8",
    ),
    "negative scale": (
        lambda g: g.conv(g.qdq("image", -1.0)),
        "has the scale -1; expected a positive number",
    ),
    "reshape that mixes": (
        lambda g: g.node("Reshape", image(g), g.constant([0, 8, 18], np.int64)),
        "must make a vector of each image, or an image of its own shape",
    ),
    "gemm of an image": (
        lambda g: g.node("Gemm", image(g), g.weight((3, 4)), transB=1),
        r"Gemm .* needs a flattened input, not an image of \(4, 6, 6\)",
    ),
    "scaled gemm": (
        lambda g: g.node("Gemm", g.node("Flatten", image(g)), g.weight((3, 144)), transB=1, alpha=0.5),
        "has alpha 0.5; expected 1.0",
    ),
    "pad with ones": (
        lambda g: g.conv(g.node("Pad", image(g), g.constant([0] * 8, np.int64), g.constant(1))),
        "Pad .* must pad with the constant 0",
    ),
    "unreachable scale": (
        lambda g: g.conv(image(g), g.weight(scale=1e30)),
        "conv3: scale .* of channel 0 cannot be represented",
    ),
    "result is not the last": (not_the_last, "the result must be that of the last layer, not of 'conv3'"),
    "two outputs": (two_outputs, "2 outputs; expected one"),
}


@pytest.mark.parametrize("case", CASES)
def test_refused_by_name(case: str, tmp_path):
    build, message = CASES[case]
    graph = QdqGraph()
    result = build(graph)
    if result is not None:
        graph.finish(result)
    path = tmp_path / "net.onnx"
    path.write_bytes(graph.model().SerializeToString())
    with pytest.raises(OnnxModelError, match=message) as caught:
        import_onnx(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_result_that_is_not_quantized(tmp_path):
    graph = QdqGraph()
    graph.conv(image(graph), output="result")
    with pytest.raises(
        OnnxModelError, match="that of layer 'result', is not quantized; expected QuantizeLinear"
    ):
        import_onnx(graph.save(tmp_path / "net.onnx"))


def test_image_of_unknown_size(tmp_path):
    graph = QdqGraph(("N", 4, "H", "W"))
    graph.finish(graph.conv(image(graph)))
    with pytest.raises(
        OnnxModelError, match=r"'image' must be an image \[N, C, H, W\] with C, H and W given"
    ):
        import_onnx(graph.save(tmp_path / "net.onnx"))


def test_old_opset(tmp_path):
    graph = QdqGraph()
    graph.opset = 12
    graph.node("Relu", "image", output="result")
    with pytest.raises(OnnxModelError, match="opset 12; expected 13 to 28"):
        import_onnx(graph.save(tmp_path / "net.onnx"))


def test_operators_of_other_domains(tmp_path):
    graph = QdqGraph()
    graph.finish(graph.conv(image(graph)))
    model = graph.model()
    model.opset_import.append(onnx.helper.make_opsetid("com.example", 1))
    model.graph.node[0].domain = "com.example"
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(OnnxModelError, match=r"is of the domain 'com\.example'; expected operators of ONNX"):
        import_onnx(tmp_path / "net.onnx")


@pytest.mark.parametrize("data", [b"", b"not a model"])
def test_files_that_are_no_models(data: bytes, tmp_path):
    (tmp_path / "net.onnx").write_bytes(data)
    with pytest.raises(OnnxModelError, match=r"net.onnx: not a legal ONNX model"):
        import_onnx(tmp_path / "net.onnx")


def test_absent_file(tmp_path):
    with pytest.raises(OnnxModelError, match=r"net.onnx: cannot be read \(No such file or directory\)"):
        import_onnx(tmp_path / "net.onnx")


@pytest.mark.parametrize("seed", range(20))
def test_damaged_files_give_our_error_or_a_network(seed: int, tmp_path):
    rng = np.random.default_rng(seed)
    path = tmp_path / "net.onnx"
    export_onnx(quantized("small-resnet"), path)
    data = bytearray(path.read_bytes())
    if seed % 2:
        data = data[: int(rng.integers(len(data)))]
    else:
        for place in rng.integers(0, len(data), 40):
            data[place] ^= 1 << int(rng.integers(8))
    path.write_bytes(data)
    try:
        import_onnx(path)
    except CrispError as error:
        assert str(path) in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("crisp.classes", "[1", "the property 'crisp.classes' is not valid JSON"),
        ("crisp.classes", '["a"]', "1 class names; expected 7"),
        ("crisp.classes", "[1, {}]", "the property 'crisp.classes' must be a JSON list of texts"),
        ("crisp.classes", "[" * 99999, "the property 'crisp.classes' is not valid JSON"),
        ("crisp.classes", '["\\ud800"]', "the property 'crisp.classes' is not valid JSON"),
        ("crisp.metadata", "[]", "the property 'crisp.metadata' must be a JSON dict"),
        ("crisp.metadata", '{"mean": 1' + "0" * 99 + "}", "the property 'crisp.metadata' is not valid JSON"),
    ],
)
def test_damaged_notes(key: str, value: str, message: str, tmp_path):
    path = tmp_path / "net.onnx"
    export_onnx(quantized("small-resnet"), path)
    model = onnx.load(path)
    for item in model.metadata_props:
        if item.key == key:
            item.value = value
    path.write_bytes(model.SerializeToString())
    with pytest.raises(OnnxModelError, match=message):
        import_onnx(path)
