"""Graphs in the forms of QDQ that others write, for tests of what is made of them."""

from collections.abc import Callable

import numpy as np

from crisp_sw.exchange.onnx.qdq_graph import QdqGraph


def unsigned(g: QdqGraph) -> None:
    x = g.qdq("image", 0.02, 140, np.uint8)
    g.finish(g.node("Relu", g.conv(x)), 0.3, 0, np.uint8)


def float_bias(g: QdqGraph) -> None:
    bias = g.constant(np.linspace(-1, 1, 4))
    g.finish(g.node("Conv", g.qdq("image"), g.weight(), bias))


def padded_codes(g: QdqGraph) -> None:
    """The runtime's quantizer puts a pair behind Pad, too."""
    pads = g.constant([0, 0, 2, 1, 0, 0, 2, 1], np.int64)
    padded = g.qdq(g.node("Pad", g.qdq("image", 0.1, 9), pads), 0.1, 9)
    g.finish(g.conv(padded, pads=[0, 0, 0, 0]))


def pad_before(g: QdqGraph) -> None:
    pads = g.constant([0, 0, 2, 1, 0, 0, 2, 1], np.int64)
    g.finish(g.conv(g.node("Pad", g.qdq("image"), pads), pads=[0, 0, 0, 0]))


def clip_to_six(g: QdqGraph) -> None:
    x = g.conv(g.qdq("image"), strides=[2, 2])
    g.finish(g.node("Clip", x, g.constant(0), g.constant(6)), 0.03, -128)


def clip_without_upper_bound(g: QdqGraph) -> None:
    g.finish(g.node("Clip", g.conv(g.qdq("image")), g.constant(-1)), 0.2, 3)


def residual(g: QdqGraph) -> None:
    x = g.qdq("image")
    g.finish(g.node("Relu", g.node("Add", x, g.conv(x))), 0.25, -100)


def quantized_twice(g: QdqGraph) -> None:
    """Convolutions whose outputs are quantized before the addition, and the sum again."""
    x = g.qdq("image")
    first, second = g.qdq(g.conv(x), 0.2, 4), g.qdq(g.conv(x), 0.21, -7)
    g.finish(g.node("Add", first, second), 0.31)


def relu_in_the_saturation(g: QdqGraph) -> None:
    """``x + relu(conv(x))`` as runtimes quantize it: the first zero point is the lowest code."""
    x = g.qdq("image")
    g.finish(g.node("Add", x, g.qdq(g.conv(x), 0.1, -128)), 0.13, -100)


def saturation_on_both_sides(g: QdqGraph) -> None:
    x = g.qdq("image")
    g.finish(g.node("Relu", g.node("Add", g.qdq(g.conv(x), 0.011, 30), x)), 0.02, -128)


def constant_added_to_codes(g: QdqGraph) -> None:
    """A product that is quantized before its bias, as the runtime does it, and the bias, too."""
    x = g.qdq(g.node("MatMul", g.node("Flatten", g.qdq("image")), g.weight((144, 5), axis=1)), 0.4)
    bias = g.dq(g.constant(np.arange(-70, 80, 30), np.int8), 0.0123)
    g.finish(g.node("Relu", g.node("Add", x, bias)), 0.4, 0)


def number_added_to_codes(g: QdqGraph) -> None:
    """Equal codes on both sides are no mere clamp."""
    x = g.qdq(g.conv(g.qdq("image")), 0.2)
    g.finish(g.node("Add", g.constant(2.25), x), 0.2)


def sum_without_convolution(g: QdqGraph) -> None:
    x = g.qdq("image")
    pooled = g.node("MaxPool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    g.finish(g.node("Add", g.qdq(pooled), g.qdq(g.node("Relu", x), 0.05, -128)), 0.07, -30)


def sum_with_itself(g: QdqGraph) -> None:
    x = g.qdq(g.conv(g.qdq("image")), 0.21)
    g.finish(g.node("Add", x, x), 0.37)


def sum_of_vectors(g: QdqGraph) -> None:
    means = g.qdq(g.node("GlobalAveragePool", g.qdq(g.conv(g.qdq("image")), 0.2)), 0.019, 3)
    x = g.node("Flatten", means)
    products = g.qdq(g.node("Gemm", x, g.weight((4, 4)), transB=1), 0.021, 5)
    g.finish(g.node("Add", x, products), 0.031)


def relu_to_another_scale(g: QdqGraph) -> None:
    """Symmetric activations: the range of a convolution's output is another than that of the ReLU's."""
    g.finish(g.node("Relu", g.qdq(g.conv(g.qdq("image")), 0.2)), 0.11)


def relu_after_an_average(g: QdqGraph) -> None:
    means = g.qdq(g.node("GlobalAveragePool", g.qdq(g.conv(g.qdq("image")), 0.2)), 0.019, 3)
    g.finish(g.node("Relu", means), 0.013, -128)


def changed_scale(g: QdqGraph) -> None:
    g.finish(g.conv(g.qdq(g.qdq(g.conv(g.qdq("image")), 0.2), 0.31, -40)))


def changed_zero_point(g: QdqGraph) -> None:
    """From unsigned to signed codes of another zero point: values below it saturate."""
    g.finish(g.conv(g.qdq(g.qdq(g.conv(g.qdq("image")), 0.2, 120, np.uint8), 0.2, -100)))


def quantized_again_with_the_same_code(g: QdqGraph) -> None:
    """Behind everything that moves values but does not change them."""
    x = g.qdq(g.conv(g.qdq("image")), 0.2, 3)
    x = g.qdq(g.qdq(g.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]), 0.2, 3), 0.2, 3)
    x = g.qdq(g.node("AveragePool", g.node("Identity", x), kernel_shape=[1, 1]), 0.2, 3)
    x = g.qdq(g.node("Dropout", g.node("Reshape", x, g.constant([0, 4, 3, 3], np.int64))), 0.2, 3)
    x = g.qdq(g.node("Flatten", x), 0.2, 3)
    x = g.qdq(g.node("Reshape", x, g.constant([0, -1], np.int64)), 0.2, 3)
    means = g.qdq(g.node("Gemm", x, g.weight((3, 36)), transB=1), 0.9, -5)
    g.finish(means, 0.9, -5)


def squeezed_and_quantized_again(g: QdqGraph) -> None:
    x = g.qdq(g.node("GlobalAveragePool", g.qdq(g.conv(g.qdq("image")), 0.2)), 0.019, 3)
    x = g.qdq(g.node("Squeeze", x, g.constant([2, 3], np.int64)), 0.019, 3)
    g.finish(g.node("Gemm", x, g.weight((3, 4)), transB=1), 0.05)


def clip_between_equal_codes(g: QdqGraph) -> None:
    x = g.qdq(g.conv(g.qdq("image")), 0.2, 3)
    g.finish(g.node("Clip", x, g.constant(-1.25), g.constant(6)), 0.2, 3)


def relu_after_quantization(g: QdqGraph) -> None:
    g.finish(g.node("Relu", g.qdq(g.conv(g.qdq("image")), 0.2, 3)), 0.2, 3)


def quantized_by_a_node_for_each_reader(g: QdqGraph) -> None:
    """As ONNX Runtime's option DedicatedQDQPair has it; one of them unsigned."""
    x = g.node("Relu", g.conv(g.qdq("image")))
    total = g.node("Add", g.conv(g.qdq(x, 0.113, -128)), g.qdq(x, 0.113, 0, np.uint8))
    rescaled = [g.qdq(g.qdq(total, 0.41, 4), 0.523, -9) for _ in range(2)]
    g.finish(g.node("Add", *rescaled), 1.03)


def means_quantized_for_each_reader(g: QdqGraph) -> None:
    means = g.node("GlobalAveragePool", g.qdq(g.conv(g.qdq("image")), 0.2))
    one, other = (g.node("Flatten", g.qdq(means, 0.019, 3)) for _ in range(2))
    g.finish(g.node("Add", g.node("Gemm", one, g.weight((4, 4)), transB=1), other), 0.03)


def relu_quantized_for_each_reader(g: QdqGraph) -> None:
    """A clamp of codes joins the layer before, though its first reader has other codes."""
    x = g.node("Relu", g.qdq(g.conv(g.qdq("image")), 0.2, 3))
    rescaled, same = g.qdq(x, 0.31, -40), [g.qdq(x, 0.2, 3) for _ in range(2)]
    x = g.qdq(g.node("Add", g.conv(same[0]), rescaled), 0.4)
    g.finish(g.node("Add", x, same[1]), 0.45)


def max_pool_of_codes(g: QdqGraph) -> None:
    codes = g.q(g.conv(g.qdq("image")), 0.2)
    pooled = g.node("MaxPool", codes, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    g.finish(g.conv(g.dq(pooled, 0.2)))


def average_and_matmul(g: QdqGraph) -> None:
    means = g.node("ReduceMean", g.qdq(g.conv(g.qdq("image")), 0.2), axes=[2, 3], keepdims=0)
    products = g.node("MatMul", g.qdq(means, 0.03), g.weight((4, 5), axis=1))
    g.finish(g.node("Add", products, g.constant(np.linspace(-1, 1, 5))), 0.05)


def shape_arithmetic(g: QdqGraph) -> None:
    """How a reshape to (batch, -1) comes out of a traced model, and a transposed weight."""
    x = g.node("AveragePool", g.qdq(g.conv(g.qdq("image")), 0.2), kernel_shape=[6, 6])
    x = g.qdq(x, 0.03)
    batch = g.node("Gather", g.node("Shape", x), g.constant(0, np.int64))
    batch = g.node("Unsqueeze", batch, g.constant([0], np.int64))
    x = g.node("Reshape", x, g.node("Concat", batch, g.constant([-1], np.int64), axis=0))
    weight = g.node("Transpose", g.weight((5, 4)), perm=[1, 0])
    g.finish(g.node("Gemm", x, weight), 0.05)


def flattened_map(g: QdqGraph) -> None:
    x = g.qdq(g.conv(g.qdq("image")), 0.2)
    g.finish(g.node("Gemm", g.node("Flatten", x), g.weight((3, 144)), transB=1), 2.0)


def float_weights_quantized_in_the_graph(g: QdqGraph) -> None:
    weight = np.random.default_rng(1).normal(size=(4, 4, 3, 3))
    scale, zero = g.constant([0.01, 0.02, 0.03, 0.04]), g.constant([0] * 4, np.int8)
    levels = g.node("QuantizeLinear", g.constant(weight), scale, zero, axis=0)
    g.finish(g.conv(g.qdq("image"), g.node("DequantizeLinear", levels, scale, zero, axis=0)))


def unsigned_weights(g: QdqGraph) -> None:
    levels = g.constant(np.random.default_rng(1).integers(1, 256, (4, 4, 3, 3)), np.uint8)
    weight = g.node("DequantizeLinear", levels, g.constant(0.02), g.constant(128, np.uint8))
    g.finish(g.conv(g.qdq("image"), weight))


def depthwise(g: QdqGraph) -> None:
    g.finish(g.conv(g.node("Identity", g.qdq("image")), g.weight((4, 1, 3, 3)), group=4))


FORMS: tuple[Callable[[QdqGraph], None], ...] = (
    unsigned,
    float_bias,
    padded_codes,
    pad_before,
    clip_to_six,
    clip_without_upper_bound,
    residual,
    quantized_twice,
    relu_in_the_saturation,
    saturation_on_both_sides,
    constant_added_to_codes,
    number_added_to_codes,
    sum_without_convolution,
    sum_with_itself,
    sum_of_vectors,
    relu_to_another_scale,
    relu_after_an_average,
    changed_scale,
    changed_zero_point,
    quantized_again_with_the_same_code,
    squeezed_and_quantized_again,
    clip_between_equal_codes,
    relu_after_quantization,
    quantized_by_a_node_for_each_reader,
    means_quantized_for_each_reader,
    relu_quantized_for_each_reader,
    max_pool_of_codes,
    average_and_matmul,
    shape_arithmetic,
    flattened_map,
    float_weights_quantized_in_the_graph,
    unsigned_weights,
    depthwise,
)
