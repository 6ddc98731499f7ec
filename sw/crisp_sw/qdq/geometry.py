"""Strides, paddings and shapes of windows that slide over an image."""

from crisp_sw.qdq.errors import OnnxModelError
from crisp_sw.qdq.graph import GraphNode

Pair = tuple[int, int]


def square_stride(node: GraphNode) -> int:
    """The stride of both axes.

    Raises
    ------
    OnnxModelError : they differ.
    """
    strides = set(node.attributes.get("strides", [1, 1]))
    if len(strides) != 1:
        raise OnnxModelError(f"{node.label} needs equal strides of both axes, not {sorted(strides)}")
    return int(strides.pop())


def symmetric_padding(node: GraphNode) -> Pair:
    """(rows above and below, columns left and right).

    Raises
    ------
    OnnxModelError : two opposite sides differ, or the padding is to be derived from the shape.
    """
    automatic = node.attributes.get("auto_pad", "NOTSET")
    if automatic == "VALID":
        return 0, 0
    if automatic != "NOTSET":
        raise OnnxModelError(f"{node.label} has auto_pad {automatic}; expected pads as numbers")
    pads = [int(side) for side in node.attributes.get("pads", [0] * 4)]
    if len(pads) != 4 or min(pads) < 0:
        raise OnnxModelError(f"{node.label} needs pads of two axes, 0 or more, not {pads}")
    top, left, bottom, right = pads
    if top != bottom or left != right:
        raise OnnxModelError(f"{node.label} needs equal padding on opposite sides, not {pads}")
    return top, left


def shape_after(
    node: GraphNode, shape: tuple[int, int, int], kernel: Pair, stride: int, padding: Pair
) -> Pair:
    """Height and width of what a window over an image of (C, H, W) gives.

    Raises
    ------
    OnnxModelError : there is no output pixel.
    """
    height, width = (
        (size + 2 * pad - length) // stride + 1
        for size, pad, length in zip(shape[1:], padding, kernel, strict=True)
    )
    if min(height, width) < 1:
        raise OnnxModelError(f"{node.label} has no output pixel for an input of (C, H, W) = {shape}")
    return height, width
