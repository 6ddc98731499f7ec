"""MaxPool and the forms of global average pooling."""

import numpy as np

from crisp_golden.network import MaxPool
from crisp_sw.qdq.errors import OnnxModelError
from crisp_sw.qdq.geometry import shape_after, square_stride, symmetric_padding
from crisp_sw.qdq.graph import GraphNode
from crisp_sw.qdq.values import Constant, Shape, Value


def max_pool_layer(node: GraphNode, shape: Shape) -> tuple[MaxPool, Shape]:
    """The integer layer of a MaxPool node, and (C, H, W) of its output.

    Raises
    ------
    OnnxModelError : the window is not square, is dilated, or rounds its output's size up.
    """
    kernel, padding = set(node.attributes["kernel_shape"]), symmetric_padding(node)
    for condition, expected in (
        (len(kernel) == 1, "a square kernel"),
        (padding[0] == padding[1], "equal padding on all sides"),
        (set(node.attributes.get("dilations", [1])) == {1}, "dilation 1"),
        (not node.attributes.get("ceil_mode", 0), "ceil_mode 0"),
        (len(node.outputs) == 1, "no output of indices"),
    ):
        if not condition:
            raise OnnxModelError(f"{node.label} needs {expected}")
    edge, stride = int(kernel.pop()), square_stride(node)
    size = shape_after(node, shape, (edge, edge), stride, padding)
    return MaxPool(name=node.name, kernel=edge, stride=stride, padding=padding[0]), (shape[0], *size)


def averages_to_vector(node: GraphNode, shape: Shape, inputs: list[Value | None]) -> bool:
    """Whether an average over all pixels drops the image axes.

    Raises
    ------
    OnnxModelError : the node does not average over exactly all pixels.
    """
    if node.operator == "GlobalAveragePool":
        return False
    if node.operator == "AveragePool":
        whole = tuple(node.attributes["kernel_shape"]) == shape[1:] and symmetric_padding(node) == (0, 0)
        if not whole:
            raise OnnxModelError(f"{node.label} must average over the whole image of {shape[1:]} pixels")
        return False
    axes = (
        inputs[1].value
        if len(inputs) > 1 and isinstance(inputs[1], Constant)
        else node.attributes.get("axes")
    )
    if axes is None or {int(axis) % 4 for axis in np.asarray(axes).reshape(-1)} != {2, 3}:
        raise OnnxModelError(f"{node.label} must average over the axes 2 and 3")
    return not node.attributes.get("keepdims", 1)
