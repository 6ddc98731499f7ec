"""Constants of a graph: arithmetic on shapes, bounds of clamps, padding, and what a reshape means."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from crisp_sw.exchange.onnx.errors import OnnxModelError
from crisp_sw.exchange.onnx.file.operator_table import TYPE_FLOAT, TYPE_INT32, TYPE_INT64
from crisp_sw.exchange.onnx.importer.graph import GraphNode
from crisp_sw.exchange.onnx.importer.values import BATCH, Constant, Dequantized, Shape, Value

MOST_NUMBERS = 1024
"""Of constants that are put together, multiplied or filled."""


def fold_constants(node: GraphNode, inputs: list[Value | None]) -> Constant:
    """The output of a node all of whose inputs are constants.

    Raises
    ------
    OnnxModelError : an input is no constant, or the operator is one for activations.
    """
    values = [value.value for value in inputs if isinstance(value, Constant)]
    if len(values) < len(inputs):
        raise OnnxModelError(f"{node.label} reads what is no plain constant; expected constants alone")
    fold = _FOLDS.get(node.operator)
    if fold is None:
        raise OnnxModelError(f"{node.label} reads a constant; expected an activation")
    try:
        return Constant(fold(node, *values))
    except (IndexError, OverflowError, ValueError) as error:
        raise OnnxModelError(f"{node.label} of constants makes no sense: {error}") from error


def _constant(node: GraphNode) -> np.ndarray:
    if len(node.attributes) != 1:
        raise ValueError(f"{len(node.attributes)} attributes; expected one")
    ((name, value),) = node.attributes.items()
    return np.asarray(value, np.float32 if "float" in name else None)


def _gather(node: GraphNode, data: np.ndarray, indices: np.ndarray) -> np.ndarray:
    _check_short(data, indices)
    return np.take(data, indices, axis=node.attributes["axis"])


def _unsqueeze(node: GraphNode, data: np.ndarray, axes: np.ndarray) -> np.ndarray:
    return np.expand_dims(data, tuple(axes.reshape(-1).tolist()))


def _concat(node: GraphNode, *values: np.ndarray) -> np.ndarray:
    _check_short(*values)
    if len({value.dtype for value in values}) > 1:
        raise ValueError("their types differ")
    return np.concatenate(values, axis=node.attributes["axis"])


def _slice(
    node: GraphNode,
    data: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    axes: np.ndarray | None = None,
    steps: np.ndarray | None = None,
) -> np.ndarray:
    given = len(starts.reshape(-1))
    axes = np.arange(given) if axes is None else axes
    steps = np.ones(given, np.int64) if steps is None else steps
    places = [range(data.ndim)[axis] for axis in axes.reshape(-1).tolist()]
    if len(set(places)) < len(places):
        raise ValueError("an axis is given twice")
    parts = [slice(None)] * data.ndim
    bounds = (values.reshape(-1).tolist() for values in (starts, ends, steps))
    for place, *part in zip(places, *bounds, strict=True):
        parts[place] = slice(*part)
    return data[tuple(parts)]


def _constant_of_shape(node: GraphNode, shape: np.ndarray) -> np.ndarray:
    value, sizes = (
        np.asarray(node.attributes.get("value", np.zeros(1, np.float32))),
        shape.reshape(-1).tolist(),
    )
    if value.size != 1:
        raise ValueError(f"{value.size} values; expected one")
    if math.prod(max(1, size) for size in sizes) > MOST_NUMBERS:
        raise ValueError(f"the shape {sizes[:8]}; expected at most {MOST_NUMBERS} numbers")
    return np.full(sizes, value.item(), value.dtype)


def _mul(node: GraphNode, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    _check_short(one, other)
    if one.dtype != other.dtype:
        raise ValueError("their types differ")
    if (one == BATCH).any() or (other == BATCH).any():
        raise ValueError("the number of images is multiplied")
    with np.errstate(all="ignore"):
        product = np.asarray(one * other)
    _check_short(product)
    return product


def _reshape(node: GraphNode, data: np.ndarray, shape: np.ndarray) -> np.ndarray:
    sizes = shape.reshape(-1).tolist()
    if min(sizes, default=0) < -1:
        raise ValueError(f"a size of {min(sizes)}")
    if not node.attributes.get("allowzero", 0):
        sizes = [data.shape[axis] if size == 0 else size for axis, size in enumerate(sizes)]
    return data.reshape(sizes)


def _cast(node: GraphNode, data: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        cast = data.astype(_CAST_TYPES[node.attributes["to"]])
    if not np.array_equal(cast, data):
        raise ValueError(f"{cast.dtype} does not hold all values")
    return cast


def shape_slice(node: GraphNode, sizes: Sequence[int]) -> np.ndarray:
    """The sizes that a Shape node gives: those from ``start`` to ``end``, counted as slices are."""
    return np.array(sizes[node.attributes.get("start", 0) : node.attributes.get("end")], np.int64)


_FOLDS: dict[str, Callable[..., np.ndarray]] = {
    "Constant": _constant,
    "Gather": _gather,
    "Unsqueeze": _unsqueeze,
    "Concat": _concat,
    "Reshape": _reshape,
    "Cast": _cast,
    "Shape": lambda node, data: shape_slice(node, data.shape),
    "Slice": _slice,
    "ConstantOfShape": _constant_of_shape,
    "Mul": _mul,
}
_CAST_TYPES = {TYPE_FLOAT: np.float32, TYPE_INT32: np.int32, TYPE_INT64: np.int64}


def _check_short(*values: np.ndarray) -> None:
    """Check that constants are short, as shapes are; longer ones could be multiplied without bound."""
    size = sum(value.size for value in values)
    if size > MOST_NUMBERS:
        raise ValueError(f"{size} numbers; expected at most {MOST_NUMBERS}")


def transpose_constant(node: GraphNode, inputs: list[Value | None]) -> Constant | Dequantized:
    """A weight with its axes exchanged.

    Raises
    ------
    OnnxModelError : the input is an activation, or the order is not one of its axes.
    """
    (source,) = inputs
    assert isinstance(source, Constant | Dequantized)
    values = source.value if isinstance(source, Constant) else source.levels
    order = list(node.attributes.get("perm", range(values.ndim)[::-1]))
    if sorted(order) != list(range(values.ndim)):
        raise OnnxModelError(f"{node.label} has perm {order[:8]} for {values.ndim} axes")
    if isinstance(source, Constant):
        return Constant(values.transpose(order))
    axis = order.index(source.axis) if source.scale.size > 1 else 0
    return Dequantized(values.transpose(order), source.scale, axis)


def clip_bounds(node: GraphNode, inputs: list[Value | None]) -> tuple[float, float]:
    """Lower and upper bound of a Clip node; infinite where it has none.

    Raises
    ------
    OnnxModelError : a bound is not a number.
    """
    bounds = [-np.inf, np.inf]
    for place, value in enumerate(inputs[1:3]):
        if isinstance(value, Constant | Dequantized):
            bounds[place] = value.value.item()
    if np.isnan(bounds).any():
        raise OnnxModelError(f"{node.label} has a bound that is not a number")
    return bounds[0], bounds[1]


def zero_padding(node: GraphNode, inputs: list[Value | None]) -> tuple[int, int]:
    """Rows and columns of zeros that a Pad node puts on each side of an image.

    Raises
    ------
    OnnxModelError : opposite sides differ, other axes are padded, or with something else than 0.
    """
    sides = integers(node, inputs, "pads")
    fill = inputs[2] if len(inputs) > 2 else None
    if isinstance(fill, Constant | Dequantized) and np.any(fill.value != 0):
        raise OnnxModelError(f"{node.label} must pad with the constant 0")
    if len(sides) != 8 or sides[:4] != sides[4:] or any(sides[:2]) or min(sides) < 0:
        raise OnnxModelError(
            f"{node.label} needs equal padding on opposite sides of the image, not {sides[:16]}"
        )
    return sides[2], sides[3]


def are_image_axes(axes: Sequence[int]) -> bool:
    """Whether axes, possibly counted from the end, are the last two of [N, C, H, W]."""
    return sorted(axis + 4 if axis < 0 else axis for axis in axes) == [2, 3]


def is_flat_after(
    node: GraphNode, shape: Shape, flat: bool, inputs: list[Value | None], batch: int | None
) -> bool:
    """Whether a tensor of (C, H, W) is a vector after Flatten, Squeeze or Reshape.

    Raises
    ------
    OnnxModelError : the node makes anything but a vector or the image that it was.
    """
    if node.operator == "Flatten":
        return True
    if node.operator == "Squeeze":
        axes = integers(node, inputs, "axes")
        if not flat and shape[1:] == (1, 1) and are_image_axes(axes):
            return True
    else:
        sizes = integers(node, inputs, "shape")
        features = int(np.prod(shape))
        literal = node.attributes.get("allowzero", 0) and 0 in sizes
        if sizes and not literal and _keeps_batch(sizes, batch):
            before = (features,) if flat else shape
            rest = [before[i] if size == 0 and i < len(before) else size for i, size in enumerate(sizes[1:])]
            if rest in ([-1], [features]):
                return True
            if len(rest) == 3 and rest.count(-1) <= 1 and all(map(_is_size, rest, shape)):
                return False
    raise OnnxModelError(
        f"{node.label} must make a vector of each image, or an image of its own shape {shape}"
    )


def _is_size(size: int, old: int) -> bool:
    return size in (-1, old)


def _keeps_batch(sizes: list[int], batch: int | None) -> bool:
    """Whether the first size of a shape is the number of images."""
    if sizes[0] == -1:
        return -1 not in sizes[1:]
    return sizes[0] in (0, BATCH, batch)


def integers(node: GraphNode, inputs: list[Value | None], name: str) -> list[int]:
    """The second input of a node, which messages call ``name``.

    Raises
    ------
    OnnxModelError : it is no constant of one axis.
    """
    operand = inputs[1] if len(inputs) > 1 else None
    if not isinstance(operand, Constant) or operand.value.ndim != 1:
        raise OnnxModelError(f"{node.label} must have a constant list as {name}")
    return operand.value.tolist()
