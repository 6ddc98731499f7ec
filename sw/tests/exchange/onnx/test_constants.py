"""Every way in which a file may give its numbers: the network computes what ONNX Runtime computes."""

from collections.abc import Callable

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from crisp_sw.exchange.onnx import OnnxModelError, import_onnx
from crisp_sw.exchange.onnx.file.schema import NEWEST_OPSET
from sw.tests.exchange.onnx.graphs import IMAGE_SHAPE, QdqGraph
from sw.tests.exchange.onnx.importer.test_read import real_outputs
from sw.tests.exchange.onnx.networks import assert_same_arithmetic
from sw.tests.exchange.onnx.onnx_runtime import run_model_as_written

LEVELS = np.random.default_rng(5).integers(-8, 8, (4, 4, 3, 3)) * (
    np.arange(144).reshape(4, 4, 3, 3) % 3 == 0
)


def convolved(g: QdqGraph, levels: str) -> None:
    """A convolution with constant integers as its weight, without a zero point."""
    g.finish(g.conv(g.qdq("image"), g.node("DequantizeLinear", levels, g.constant(0.0517))), 0.0971)


def typed_field(g: QdqGraph) -> None:
    g.constants.append(helper.make_tensor("w", TensorProto.INT8, LEVELS.shape, LEVELS.ravel()))
    convolved(g, "w")


def four_bits(g: QdqGraph) -> None:
    g.constants.append(helper.make_tensor("w", TensorProto.INT4, LEVELS.shape, LEVELS.ravel()))
    convolved(g, "w")


def four_bits_in_raw_bytes(g: QdqGraph) -> None:
    nibbles = (LEVELS.ravel() & 15).reshape(-1, 2)
    raw = (nibbles[:, 0] | nibbles[:, 1] << 4).astype(np.uint8).tobytes()
    g.constants.append(helper.make_tensor("w", TensorProto.INT4, LEVELS.shape, raw, raw=True))
    convolved(g, "w")


def four_bits_with_a_zero_point(g: QdqGraph) -> None:
    g.constants.append(helper.make_tensor("w", TensorProto.UINT4, LEVELS.shape, LEVELS.ravel() + 8))
    g.constants.append(helper.make_tensor("z", TensorProto.UINT4, (), [8]))
    weight = g.node("DequantizeLinear", "w", g.constant(0.0517), "z")
    g.finish(g.conv(g.qdq("image"), weight), 0.0971)


def sparse_tensor(places: np.ndarray, shape: tuple[int, ...] = LEVELS.shape, name: str = "w"):
    values = LEVELS.ravel()[np.flatnonzero(LEVELS)].astype(np.int8)
    indices = numpy_helper.from_array(places.astype(np.int64), f"{name}/places")
    return helper.make_sparse_tensor(numpy_helper.from_array(values, name), indices, shape)


def sparse(g: QdqGraph) -> None:
    g.sparse.append(sparse_tensor(np.flatnonzero(LEVELS)))
    convolved(g, "w")


def sparse_with_places_per_axis(g: QdqGraph) -> None:
    g.sparse.append(sparse_tensor(np.argwhere(LEVELS)))
    convolved(g, "w")


def sparse_attribute(g: QdqGraph) -> None:
    value = sparse_tensor(np.flatnonzero(LEVELS))
    convolved(g, g.node("Constant", output="w", sparse_value=value))


def activation_without_zero_point(g: QdqGraph) -> None:
    codes = g.q("image", 0.1, 0)
    g.finish(g.conv(g.node("DequantizeLinear", codes, g.constant(0.1))))


def unsigned_activation_without_zero_point(g: QdqGraph) -> None:
    scale = g.constant(0.05)
    codes = g.node("QuantizeLinear", g.node("Relu", g.conv(g.qdq("image"))), scale)
    g.finish(g.conv(g.node("DequantizeLinear", codes, scale)), 1.013)


def signed_by_the_output_type(g: QdqGraph) -> None:
    codes = g.node("QuantizeLinear", "image", g.constant(0.1), output_dtype=TensorProto.INT8)
    g.finish(g.conv(g.node("DequantizeLinear", codes, g.constant(0.1))))


def unsigned_by_the_output_type(g: QdqGraph) -> None:
    scale = g.constant(0.05)
    activation = g.node("Relu", g.conv(g.qdq("image")))
    codes = g.node("QuantizeLinear", activation, scale, output_dtype=TensorProto.UINT8)
    g.finish(g.conv(g.node("DequantizeLinear", codes, scale)), 1.013)


def weight_quantized_to_the_output_type(g: QdqGraph) -> None:
    weight = g.constant(np.random.default_rng(1).normal(size=(4, 4, 3, 3)))
    levels = g.node("QuantizeLinear", weight, g.constant(0.03), output_dtype=TensorProto.INT8)
    convolved(g, levels)


def sizes_that_are_computed(g: QdqGraph) -> None:
    """Image sizes from Shape with a start, the number of images from one with an end."""
    x = g.qdq(g.conv(g.qdq("image")), 0.2)
    batch, sizes = g.node("Shape", x, end=1), g.node("Shape", x, start=-3)
    flat = g.node("Reshape", x, g.node("Concat", batch, g.constant([-1], np.int64), axis=0))
    x = g.node("Reshape", flat, g.node("Concat", batch, sizes, axis=0))
    g.finish(g.conv(x), 1.0)


def sizes_of_other_types(g: QdqGraph) -> None:
    x = g.qdq(g.conv(g.qdq("image")), 0.2)
    sizes = g.node("Cast", g.constant([0, 4, 6, 6]), to=TensorProto.INT64)
    g.finish(g.conv(g.node("Reshape", x, sizes)), 1.0)


def no_size_is_zero(g: QdqGraph) -> None:
    x = g.qdq(g.conv(g.qdq("image")), 0.2)
    x = g.node("Reshape", x, g.constant([-1, 144], np.int64), allowzero=1)
    g.finish(g.node("Gemm", x, g.weight((3, 144)), transB=1), 2.0)


def padding_as_it_is_traced(g: QdqGraph) -> None:
    """PyTorch's order of padding, last axis first, turned round at run time."""
    short, rest = g.constant([1, 1, 2, 2], np.int64), g.node("ConstantOfShape", g.constant([4], np.int64))
    zeros = g.node("Cast", rest, to=TensorProto.INT64)
    pairs = g.node("Reshape", g.node("Concat", short, zeros, axis=0), g.constant([-1, 2], np.int64))
    bounds = [g.constant([value], np.int64) for value in (-1, -(2**63) + 1, 0, -1)]
    pads = g.node("Transpose", g.node("Slice", pairs, *bounds), perm=[1, 0])
    pads = g.node("Reshape", pads, g.constant([-1], np.int64))
    g.finish(g.conv(g.node("Pad", g.qdq("image"), pads, g.constant(0))))


def features_that_are_counted(g: QdqGraph) -> None:
    """``x.view(x.size(0), x.size(1) * x.size(2) * x.size(3))``"""
    x = g.qdq(g.conv(g.qdq("image")), 0.2)
    sizes = g.node("Shape", x)
    one, two, three = (g.node("Gather", sizes, g.constant([axis], np.int64)) for axis in (1, 2, 3))
    features = g.node("Mul", g.node("Mul", one, two), three)
    batch = g.node("Slice", sizes, g.constant([-9], np.int32), g.constant([1], np.int32))
    x = g.node("Reshape", x, g.node("Concat", batch, features, axis=0))
    g.finish(g.node("Gemm", x, g.weight((3, 144)), transB=1), 2.0)


def pooling_that_would_round_up(g: QdqGraph) -> None:
    x = g.node("MaxPool", g.qdq("image"), kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    g.finish(g.conv(g.qdq(x)))


def dropped(g: QdqGraph) -> None:
    x = g.node("Dropout", g.qdq("image"), g.constant(0.7), g.constant(False, np.bool_))
    g.finish(g.conv(x))


def padded_twice(g: QdqGraph) -> None:
    pads = g.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64)
    g.finish(g.conv(g.node("Pad", g.node("Pad", g.qdq("image"), pads), pads)))


FORMS = [
    typed_field,
    four_bits,
    four_bits_in_raw_bytes,
    four_bits_with_a_zero_point,
    sparse,
    sparse_with_places_per_axis,
    sparse_attribute,
    activation_without_zero_point,
    unsigned_activation_without_zero_point,
    signed_by_the_output_type,
    unsigned_by_the_output_type,
    weight_quantized_to_the_output_type,
    sizes_that_are_computed,
    sizes_of_other_types,
    no_size_is_zero,
    padding_as_it_is_traced,
    features_that_are_counted,
    pooling_that_would_round_up,
    dropped,
    padded_twice,
]


def graph_of(form: Callable[[QdqGraph], None]) -> QdqGraph:
    graph = QdqGraph()
    graph.opset = 21
    form(graph)
    return graph


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_imported_network_computes_what_the_runtime_computes(form, tmp_path):
    path = graph_of(form).save(tmp_path / "net.onnx")
    network = import_onnx(path).network
    images = np.random.default_rng(3).normal(size=(3, *IMAGE_SHAPE)).astype(np.float32)
    expected, found = run_model_as_written(path, images).reshape(3, -1), real_outputs(network, images)
    steps = np.abs(expected - found) / network.scales[network.nodes[-1].name]
    assert steps.max() < 1.01  # ties
    assert np.mean(steps > 0.5) < 0.01
    assert np.ptp(expected) > 20 * network.scales[network.nodes[-1].name]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_the_newest_opset_means_the_same(form, tmp_path):
    """Also where ONNX Runtime does not know it yet."""
    graph = graph_of(form)
    older = import_onnx(graph.save(tmp_path / "net.onnx")).network
    graph.opset = NEWEST_OPSET
    assert_same_arithmetic(older, import_onnx(graph.save(tmp_path / "net.onnx")).network)


def contradicting_types(g: QdqGraph) -> None:
    scale, zero = g.constant(0.1), g.constant(0, np.uint8)
    g.finish(g.dq(g.node("QuantizeLinear", "image", scale, zero, output_dtype=TensorProto.INT8)))


def another_type_in_dequantization(g: QdqGraph) -> None:
    """int8's -128 and uint8's 0 are the same code, but of different integers."""
    g.finish(g.conv(g.dq(g.q("image", 0.1, -128, np.int8), 0.1, 0, np.uint8)))


def weight_dequantized_otherwise(g: QdqGraph) -> None:
    weight = g.constant(np.random.default_rng(1).normal(size=(4, 4, 3, 3)))
    g.finish(g.conv(g.qdq("image"), g.dq(g.q(weight, 0.02, 0, np.int8), 0.02, 0, np.uint8)))


def float_of_eight_bits(g: QdqGraph) -> None:
    g.constants.append(helper.make_tensor("w", TensorProto.FLOAT8E4M3FN, (4, 4, 3, 3), np.ones(144)))
    convolved(g, "w")


def half_precision_scale(g: QdqGraph) -> None:
    g.constants.append(helper.make_tensor("s", TensorProto.FLOAT16, (), [0.5]))
    g.finish(g.conv(g.node("DequantizeLinear", g.q("image"), "s")))


def scales_of_blocks(g: QdqGraph) -> None:
    levels, scales = g.constant(LEVELS, np.int8), g.constant(np.ones((4, 2, 3, 3)))
    g.finish(g.conv(g.qdq("image"), g.node("DequantizeLinear", levels, scales, block_size=2)))


def scales_of_two_axes(g: QdqGraph) -> None:
    levels, scales = g.constant(LEVELS, np.int8), g.constant(np.ones((4, 1)))
    g.finish(g.conv(g.qdq("image"), g.node("DequantizeLinear", levels, scales, axis=0)))


def axis_beyond_the_weight(g: QdqGraph) -> None:
    levels, scales = g.constant(LEVELS, np.int8), g.constant(np.ones(4))
    g.finish(g.conv(g.qdq("image"), g.node("DequantizeLinear", levels, scales, axis=4)))


def bias_for_images(g: QdqGraph) -> None:
    """Of shape (outputs, 1), which spreads over images."""
    vector = g.node("Flatten", g.qdq(g.node("GlobalAveragePool", g.qdq("image")), 0.02))
    g.finish(g.node("Gemm", vector, g.weight((3, 4)), g.constant(np.ones((3, 1))), transB=1))


def bias_that_adds_an_axis(g: QdqGraph) -> None:
    g.finish(g.node("Add", g.conv(g.qdq("image")), g.constant(np.ones((1, 1, 4, 1, 1)))))


def dropout_in_training(g: QdqGraph) -> None:
    g.finish(g.conv(g.node("Dropout", g.qdq("image"), "", g.constant(True, np.bool_))))


def padding_from_the_number_of_images(g: QdqGraph) -> None:
    x = g.qdq("image")
    batch = g.node("Shape", x, end=1)
    pads = g.node("Concat", *[g.constant([0, 0], np.int64), batch, batch] * 2, axis=0)
    g.finish(g.conv(g.node("Pad", x, pads)))


def images_put_together(g: QdqGraph) -> None:
    g.finish(g.conv(g.node("Reshape", g.qdq("image"), g.constant([2, 4, 6, 6], np.int64))))


def size_of_zero(g: QdqGraph) -> None:
    g.finish(g.conv(g.node("Reshape", g.qdq("image"), g.constant([0, 4, 6, 6], np.int64), allowzero=1)))


def cast_that_rounds(g: QdqGraph) -> None:
    sizes = g.node("Cast", g.constant([0, 4, 6, 6.5]), to=TensorProto.INT64)
    g.finish(g.conv(g.node("Reshape", g.qdq("image"), sizes)))


def clip_to_nan(g: QdqGraph) -> None:
    g.finish(g.node("Clip", g.conv(g.qdq("image")), g.constant(np.nan)))


def clip_per_column(g: QdqGraph) -> None:
    g.finish(g.node("Clip", g.conv(g.qdq("image")), g.constant(np.zeros(6))))


def clip_that_is_computed(g: QdqGraph) -> None:
    x = g.qdq("image")
    g.finish(g.node("Clip", g.conv(x), x))


def padding_of_one_axis(g: QdqGraph) -> None:
    pads, axes = g.constant([1, 1], np.int64), g.constant([2], np.int64)
    g.finish(g.conv(g.node("Pad", g.qdq("image"), pads, "", axes)))


def padded_result(g: QdqGraph) -> None:
    g.finish(g.conv(g.qdq("image")))
    g.nodes[-1].output[0] = "real"
    g.node("Pad", "real", g.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64), output="result")


def kernel_of_another_size(g: QdqGraph) -> None:
    g.finish(g.conv(g.qdq("image"), kernel_shape=[1, 1]))


def pads_besides_valid(g: QdqGraph) -> None:
    g.finish(g.conv(g.qdq("image"), auto_pad="VALID"))


def one_image_of_many(g: QdqGraph) -> None:
    g.finish(g.conv(g.node("Reshape", g.qdq("image"), g.constant([1, 4, 6, 6], np.int64))))


def reshaped_after_padding(g: QdqGraph) -> None:
    padded = g.node("Pad", g.qdq("image"), g.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64))
    g.finish(g.conv(g.node("Reshape", padded, g.constant([0, 4, 6, 6], np.int64))))


def multiplied_images(g: QdqGraph) -> None:
    x = g.qdq(g.conv(g.qdq("image")), 0.2)
    size = g.node("Mul", g.node("Shape", x, end=1), g.constant([2], np.int64))
    g.finish(g.conv(g.node("Reshape", x, g.node("Concat", size, g.constant([4, 6, 3], np.int64), axis=0))))


def axis_cut_twice(g: QdqGraph) -> None:
    twice = [g.constant([value] * 2, np.int64) for value in (0, 4, 0)]
    shape = g.node("Slice", g.constant([0, 4, 6, 6], np.int64), *twice)
    g.finish(g.conv(g.node("Reshape", g.qdq("image"), shape)))


def long_constant(g: QdqGraph) -> None:
    pads = g.node("ConstantOfShape", g.constant([1 << 40], np.int64))
    g.finish(g.conv(g.node("Pad", g.qdq("image"), pads)))


def axis_beyond_the_machine(g: QdqGraph) -> None:
    shape = g.node("Unsqueeze", g.constant(6, np.int64), g.constant([2**62], np.int64))
    g.finish(g.conv(g.node("Reshape", g.qdq("image"), shape)))


def shape_without_an_axis(g: QdqGraph) -> None:
    number = numpy_helper.from_array(np.array(7))
    pads = g.node("ConstantOfShape", g.constant([], np.int64), value=number)
    g.finish(g.conv(g.node("Pad", g.qdq("image"), pads)))


def shape_after_padding(g: QdqGraph) -> None:
    x = g.qdq("image")
    shape = g.node("Shape", g.node("Pad", x, g.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64)))
    g.finish(g.conv(g.node("Reshape", x, shape)))


def dropped_codes(g: QdqGraph) -> None:
    g.finish(g.conv(g.dq(g.node("Dropout", g.q("image")))))


def shape_of_two_axes(g: QdqGraph) -> None:
    g.finish(g.conv(g.node("Reshape", g.qdq("image"), g.constant([[0, 4, 6, 6]], np.int64))))


def stride_of_one_axis(g: QdqGraph) -> None:
    g.finish(g.node("AveragePool", g.qdq("image"), kernel_shape=[6, 6], strides=[2]))


REFUSED: dict[Callable[[QdqGraph], None], str] = {
    contradicting_types: "QuantizeLinear '.*' has output_dtype int8 and a zero point of uint8",
    another_type_in_dequantization: "DequantizeLinear '.*' has a zero point of uint8 for int8",
    weight_dequantized_otherwise: "DequantizeLinear '.*' has a zero point of uint8 for int8",
    float_of_eight_bits: "the tensor 'w' has the type FLOAT8E4M3FN; expected FLOAT, INT64, ",
    half_precision_scale: "the tensor 's' has the type FLOAT16; expected FLOAT, INT64, ",
    scales_of_blocks: "DequantizeLinear '.*' has block_size 2; expected 0",
    scales_of_two_axes: r"has scales of shape \(4, 1\) and zero points of shape \(4, 1\)",
    axis_beyond_the_weight: r"has 4 scales for axis 4 of \(4, 4, 3, 3\)",
    bias_for_images: r"Gemm '.*' needs a bias of shape \(3,\), not \(3, 1\)",
    bias_that_adds_an_axis: "adds a constant that is no bias per channel",
    dropout_in_training: "Dropout '.*' has training_mode true; expected false",
    padding_from_the_number_of_images: "Pad '.*' needs equal padding on opposite sides",
    images_put_together: "Reshape '.*' must make a vector of each image, or an image of its own shape",
    one_image_of_many: "Reshape '.*' must make a vector of each image, or an image of its own shape",
    reshaped_after_padding: "Reshape '.*' reads a padded image; expected Conv after Pad",
    multiplied_images: "Mul '.*' of constants makes no sense: the number of images is multiplied",
    axis_cut_twice: "Slice '.*' of constants makes no sense: an axis is given twice",
    long_constant: "ConstantOfShape '.*' of constants makes no sense: the shape .* at most 1024 numbers",
    axis_beyond_the_machine: "Unsqueeze '.*' of constants makes no sense: .* too large",
    shape_without_an_axis: "Pad '.*' must have a constant list as pads",
    shape_after_padding: "Shape '.*' reads a padded image; expected Conv after Pad",
    dropped_codes: "Dropout '.*' must read a dequantized activation",
    shape_of_two_axes: "Reshape '.*' must have a constant list as shape",
    stride_of_one_axis: r"AveragePool '.*' needs strides of two axes, 1 or more, not \[2\]",
    size_of_zero: "Reshape '.*' must make a vector of each image, or an image of its own shape",
    cast_that_rounds: "Cast '.*' of constants makes no sense: int64 does not hold all values",
    clip_to_nan: "Clip '.*' has a bound that is not a number",
    clip_per_column: "Clip '.*' has 6 numbers as min; expected one",
    clip_that_is_computed: "Clip '.*' has a computed 'min'; expected a constant",
    padding_of_one_axis: "Pad '.*' has axes of the type int64; expected it to be absent",
    padded_result: "the result is a padded image",
    kernel_of_another_size: r"Conv '.*' needs kernel_shape \(3, 3\) as of its weight, not \[1, 1\]",
    pads_besides_valid: r"Conv '.*' has pads \[1, 1, 1, 1\] and auto_pad VALID; expected one of them",
}


@pytest.mark.parametrize("form", REFUSED, ids=lambda form: form.__name__)
def test_refused_by_name(form, tmp_path):
    path = graph_of(form).save(tmp_path / "net.onnx")
    with pytest.raises(OnnxModelError, match=REFUSED[form]) as caught:
        import_onnx(path)
    assert "\n" not in str(caught.value)
