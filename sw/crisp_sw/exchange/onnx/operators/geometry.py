"""Strides, paddings and shapes of windows that slide over an image."""

from crisp_sw.exchange.onnx.errors import OnnxModelError
from crisp_sw.exchange.onnx.importer.graph import GraphNode

Pair = tuple[int, int]
MOST_VALUES = 1 << 27
"""Of an image with its padding."""


def pair(node: GraphNode, attribute: str) -> Pair:
    """An attribute with a number for each image axis; (1, 1) where the node does not have it.

    Raises
    ------
    OnnxModelError : they are not two, or less than 1.
    """
    values = [int(value) for value in node.attributes.get(attribute, (1, 1))]
    if len(values) != 2 or min(values) < 1:
        raise OnnxModelError(f"{node.label} needs {attribute} of two axes, 1 or more, not {values[:8]}")
    return values[0], values[1]


def square_stride(node: GraphNode) -> int:
    """The stride of both axes.

    Raises
    ------
    OnnxModelError : they differ.
    """
    strides = pair(node, "strides")
    if strides[0] != strides[1]:
        raise OnnxModelError(f"{node.label} needs equal strides of both axes, not {list(strides)}")
    return strides[0]


def check_no_dilation(node: GraphNode) -> None:
    """Check that a window covers neighbouring pixels.

    Raises
    ------
    OnnxModelError : there are gaps between them.
    """
    dilations = pair(node, "dilations")
    if dilations != (1, 1):
        raise OnnxModelError(f"{node.label} needs dilation 1, not {list(dilations)}")


def symmetric_padding(node: GraphNode) -> Pair:
    """(rows above and below, columns left and right).

    Raises
    ------
    OnnxModelError : two opposite sides differ, or numbers are given besides VALID.
    """
    pads = [int(side) for side in node.attributes.get("pads", [0] * 4)]
    if len(pads) != 4 or min(pads) < 0:
        raise OnnxModelError(f"{node.label} needs pads of two axes, 0 or more, not {pads[:8]}")
    if node.attributes.get("auto_pad") == "VALID" and any(pads):
        raise OnnxModelError(f"{node.label} has pads {pads} and auto_pad VALID; expected one of them")
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
    OnnxModelError : there is no output pixel, or the padded image has more than `MOST_VALUES`.
    """
    padded = [size + 2 * pad for size, pad in zip(shape[1:], padding, strict=True)]
    if shape[0] * padded[0] * padded[1] > MOST_VALUES:
        raise OnnxModelError(
            f"{node.label} reads {shape[0]} x {padded[0]} x {padded[1]} values with its padding; "
            f"expected at most {MOST_VALUES}"
        )
    height, width = ((size - length) // stride + 1 for size, length in zip(padded, kernel, strict=True))
    if min(height, width) < 1:
        raise OnnxModelError(f"{node.label} has no output pixel for an input of (C, H, W) = {shape}")
    return height, width
