"""MaxPool and the forms of global average pooling."""

import numpy as np

from crisp_golden.arithmetic.network import MaxPool
from crisp_sw.exchange.onnx.errors import OnnxModelError
from crisp_sw.exchange.onnx.importer.graph import GraphNode
from crisp_sw.exchange.onnx.importer.values import Constant, Shape, Value
from crisp_sw.exchange.onnx.operators.folding import are_image_axes
from crisp_sw.exchange.onnx.operators.geometry import (
    check_no_dilation,
    pair,
    shape_after,
    square_stride,
    symmetric_padding,
)


def max_pool_layer(node: GraphNode, shape: Shape) -> tuple[MaxPool, Shape]:
    """The integer layer of a MaxPool node, and (C, H, W) of its output.

    Raises
    ------
    OnnxModelError : the window is not square, is dilated or leaves the image, or padding is not equal.
    """
    check_no_dilation(node)
    kernel, padding = pair(node, "kernel_shape"), symmetric_padding(node)
    if kernel[0] != kernel[1]:
        raise OnnxModelError(f"{node.label} needs a square kernel, not {list(kernel)}")
    if padding[0] != padding[1]:
        raise OnnxModelError(f"{node.label} needs equal padding on all sides, not {list(padding)}")
    stride = square_stride(node)
    size = shape_after(node, shape, kernel, stride, padding)
    if node.attributes["ceil_mode"] and any(
        (length + 2 * padding[0] - kernel[0]) % stride for length in shape[1:]
    ):
        raise OnnxModelError(f"{node.label} has ceil_mode 1, which adds windows beyond the image; expected 0")
    return MaxPool(name=node.name, kernel=kernel[0], stride=stride, padding=padding[0]), (shape[0], *size)


def averages_single_pixels(node: GraphNode) -> bool:
    """Whether a node is an AveragePool that leaves the image as it is, what adaptive pooling may become."""
    return (
        node.operator == "AveragePool"
        and pair(node, "kernel_shape") == (1, 1)
        and square_stride(node) == 1
        and symmetric_padding(node) == (0, 0)
    )


def averages_to_vector(node: GraphNode, shape: Shape, inputs: list[Value | None]) -> bool:
    """Whether an average over all pixels drops the image axes.

    Raises
    ------
    OnnxModelError : the node does not average over exactly all pixels.
    """
    if node.operator == "GlobalAveragePool":
        return False
    if node.operator == "AveragePool":
        check_no_dilation(node)
        pair(node, "strides")
        if pair(node, "kernel_shape") != shape[1:] or symmetric_padding(node) != (0, 0):
            raise OnnxModelError(f"{node.label} must average over the whole image of {shape[1:]} pixels")
        return False
    axes = (
        inputs[1].value
        if len(inputs) > 1 and isinstance(inputs[1], Constant)
        else node.attributes.get("axes")
    )
    if axes is None or not are_image_axes(np.asarray(axes).reshape(-1).tolist()):
        raise OnnxModelError(f"{node.label} must average over the axes 2 and 3")
    return not node.attributes["keepdims"]
