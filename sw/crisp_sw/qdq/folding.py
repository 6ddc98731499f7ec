"""Constants of a graph: arithmetic on shapes, bounds of clamps, padding, and what a reshape means."""

import numpy as np

from crisp_sw.qdq.errors import OnnxModelError
from crisp_sw.qdq.graph import GraphNode
from crisp_sw.qdq.values import Constant, Dequantized, Shape, Value


def fold_constants(node: GraphNode, inputs: list[Value | None]) -> Constant:
    """The output of a node all of whose inputs are constants.

    Raises
    ------
    OnnxModelError : an input is no constant, or the operator is one for activations.
    """
    values = [value.value for value in inputs if isinstance(value, Constant)]
    try:
        folded = _fold(node, values) if len(values) == len(inputs) else None
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise OnnxModelError(f"{node.label} of constants makes no sense: {error}") from error
    if folded is None:
        raise OnnxModelError(f"{node.label} of an activation has no integer counterpart")
    return Constant(folded)


def _fold(node: GraphNode, values: list[np.ndarray]) -> np.ndarray | None:
    """The output of an operator that is known here; None of others."""
    match node.operator:
        case "Constant":
            (value,) = node.attributes.values()
            return np.asarray(value)
        case "Gather":
            return np.take(values[0], values[1], axis=node.attributes.get("axis", 0))
        case "Unsqueeze":
            return np.expand_dims(values[0], tuple(values[1].tolist()))
        case "Concat":
            return np.concatenate(values, axis=node.attributes["axis"])
        case "Reshape":
            return values[0].reshape(values[1])
        case "Cast":
            return values[0]
    return None


def transpose_constant(node: GraphNode, inputs: list[Value | None]) -> Constant | Dequantized:
    """A weight with its axes exchanged.

    Raises
    ------
    OnnxModelError : the input is an activation.
    """
    source = inputs[0]
    if isinstance(source, Constant):
        return Constant(source.value.transpose(node.attributes.get("perm")))
    if isinstance(source, Dequantized):
        axes = list(node.attributes.get("perm", range(source.levels.ndim)[::-1]))
        return Dequantized(source.levels.transpose(axes), source.scale, axes.index(source.axis))
    raise OnnxModelError(f"{node.label} of an activation has no integer counterpart")


def clip_bounds(node: GraphNode, inputs: list[Value | None]) -> tuple[float, float]:
    """Lower and upper bound of a Clip node; infinite where it has none.

    Raises
    ------
    OnnxModelError : a bound is not a constant.
    """
    bounds = [-np.inf, np.inf]
    for place, value in enumerate(inputs[1:3]):
        if isinstance(value, Constant | Dequantized):
            bounds[place] = float(np.asarray(value.value).reshape(-1)[0])
        elif value is not None:
            raise OnnxModelError(f"{node.label} must have constant bounds")
    return bounds[0], bounds[1]


def zero_padding(node: GraphNode, inputs: list[Value | None]) -> tuple[int, int]:
    """Rows and columns of zeros that a Pad node puts on each side of an image.

    Raises
    ------
    OnnxModelError : opposite sides differ, other axes are padded, or with something else than 0.
    """
    pads, fill = (inputs[place] if len(inputs) > place else None for place in (1, 2))
    if not isinstance(pads, Constant) or (len(inputs) > 3 and inputs[3] is not None):
        raise OnnxModelError(f"{node.label} must have constant pads of all axes")
    sides = [int(side) for side in pads.value.reshape(-1)]
    value = 0.0 if fill is None else float(np.asarray(fill.value).reshape(-1)[0])  # pyright: ignore[reportAttributeAccessIssue]
    if node.attributes.get("mode", "constant") != "constant" or value != 0:
        raise OnnxModelError(f"{node.label} must pad with the constant 0")
    if len(sides) != 8 or sides[:4] != sides[4:] or any(sides[:2]) or min(sides) < 0:
        raise OnnxModelError(f"{node.label} needs equal padding on opposite sides of the image, not {sides}")
    return sides[2], sides[3]


def is_flat_after(node: GraphNode, shape: Shape, flat: bool, inputs: list[Value | None]) -> bool:
    """Whether a tensor of (C, H, W) is a vector after Flatten, Squeeze or Reshape.

    Raises
    ------
    OnnxModelError : the node makes anything but a vector or the image that it was.
    """
    if node.operator == "Flatten":
        if node.attributes.get("axis", 1) == 1:
            return True
    elif node.operator == "Squeeze":
        axes = _integers(node, inputs, "axes")
        if shape[1:] == (1, 1) and {axis % 4 for axis in axes} == {2, 3}:
            return True
    else:
        sizes = _integers(node, inputs, "shape")[1:]
        if len(sizes) == 1 and sizes[0] in (-1, int(np.prod(shape))):
            return True
        before = (int(np.prod(shape)),) if flat else shape
        filled = [before[i] if size == 0 and i < len(before) else size for i, size in enumerate(sizes)]
        if len(filled) == 3 and all(size in (-1, old) for size, old in zip(filled, shape, strict=True)):
            return False
    raise OnnxModelError(
        f"{node.label} must make a vector of each image, or an image of its own shape {shape}"
    )


def _integers(node: GraphNode, inputs: list[Value | None], attribute: str) -> list[int]:
    operand = inputs[1] if len(inputs) > 1 else None
    if isinstance(operand, Constant):
        return [int(value) for value in operand.value.reshape(-1)]
    if operand is None and attribute in node.attributes:
        return [int(value) for value in node.attributes[attribute]]
    raise OnnxModelError(f"{node.label} must have a constant {attribute}")
