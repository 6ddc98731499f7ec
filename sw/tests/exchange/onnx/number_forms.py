"""Graphs that give their numbers in every way that a file may, for tests of what is made of them."""

from collections.abc import Callable

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from crisp_sw.exchange.onnx.qdq_graph import QdqGraph

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
