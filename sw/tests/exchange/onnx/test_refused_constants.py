"""Numbers that are given in a way that makes no sense, or that is not supported, are refused by name."""

from collections.abc import Callable

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from crisp_sw.exchange.onnx import OnnxModelError, import_onnx
from crisp_sw.exchange.onnx.qdq_graph import QdqGraph
from sw.tests.exchange.onnx.number_forms import LEVELS, convolved, graph_of


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
