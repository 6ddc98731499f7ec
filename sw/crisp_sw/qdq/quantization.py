"""QuantizeLinear and DequantizeLinear: codes of activations, and constants given as integers and scales."""

import math

import numpy as np

from crisp_sw.qdq.errors import OnnxModelError
from crisp_sw.qdq.graph import GraphNode
from crisp_sw.qdq.values import Constant, Dequantized, Value
from crisp_sw.quantize.ranges import Affine

# Unsigned activations mean the same as signed ones with a zero point 128 lower.
_SHIFT = {np.dtype(np.int8): 0, np.dtype(np.uint8): 128}


def constant_code(node: GraphNode, inputs: list[Value | None]) -> Affine:
    """The int8 code that scale and zero point of a node stand for; without a zero point it is uint8's 0.

    Raises
    ------
    OnnxModelError : they are no constants, of another type than int8 or uint8, or not one per tensor.
    """
    scale, zero_point = _constants(node, inputs)
    if scale.size != 1 or zero_point.size != 1:
        raise OnnxModelError(f"{node.label} has {scale.size} scales for an activation; expected one")
    if zero_point.dtype not in _SHIFT:
        raise OnnxModelError(f"{node.label} has the type {zero_point.dtype}; expected int8 or uint8")
    value = float(scale.reshape(-1)[0])
    if not (math.isfinite(value) and value > 0):
        raise OnnxModelError(f"{node.label} has the scale {value:g}; expected a positive number")
    return Affine(value, int(zero_point.reshape(-1)[0]) - _SHIFT[zero_point.dtype])


def same_code(one: Affine, other: Affine) -> bool:
    """Equal zero points, and scales that are equal up to float32's rounding."""
    return one.zero_point == other.zero_point and math.isclose(one.scale, other.scale, rel_tol=1e-6)


def dequantize(node: GraphNode, source: Constant | Dequantized, inputs: list[Value | None]) -> Dequantized:
    """A constant with the scale and zero point of a DequantizeLinear node.

    Raises
    ------
    OnnxModelError : it has blocks of scales, or scales and levels do not fit together.
    """
    if isinstance(source, Dequantized):  # QuantizeLinear of a float constant made its levels
        return source
    levels = source.value
    if not np.issubdtype(levels.dtype, np.integer):
        raise OnnxModelError(f"{node.label} reads {levels.dtype}; expected integers")
    return _dequantized(node, levels, *_constants(node, inputs))


def quantize_constant(node: GraphNode, source: Constant, inputs: list[Value | None]) -> Dequantized:
    """A float constant, rounded to the levels of a QuantizeLinear node, halves to even."""
    scale, zero_point = _constants(node, inputs)
    if zero_point.dtype not in _SHIFT:
        raise OnnxModelError(f"{node.label} has the type {zero_point.dtype}; expected int8 or uint8")
    axis = _axis(node, source.value.ndim)
    limits = np.iinfo(zero_point.dtype)
    levels = np.rint(source.value / _spread(scale, axis, source.value.ndim))
    levels = np.clip(levels + _spread(zero_point.astype(np.int32), axis, levels.ndim), limits.min, limits.max)
    return _dequantized(node, levels.astype(np.int32), scale, zero_point)


def _constants(node: GraphNode, inputs: list[Value | None]) -> tuple[np.ndarray, np.ndarray]:
    scale = inputs[1] if len(inputs) > 1 else None
    zero_point = inputs[2] if len(inputs) > 2 else None
    if not isinstance(scale, Constant) or not isinstance(zero_point, Constant | None):
        raise OnnxModelError(f"{node.label} must have a constant scale and zero point")
    if node.attributes.get("block_size", 0):
        raise OnnxModelError(f"{node.label} has scales for blocks; expected one per tensor or channel")
    return scale.value, np.array(0, np.uint8) if zero_point is None else zero_point.value


def _axis(node: GraphNode, axes: int) -> int:
    return int(node.attributes.get("axis", 1)) % max(1, axes)


def _spread(values: np.ndarray, axis: int, axes: int) -> np.ndarray:
    return values.reshape([-1 if i == axis else 1 for i in range(axes)]) if values.size > 1 else values


def _dequantized(
    node: GraphNode, levels: np.ndarray, scale: np.ndarray, zero_point: np.ndarray
) -> Dequantized:
    axis = _axis(node, levels.ndim)
    for what in (scale, zero_point):
        if what.size > 1 and what.size != levels.shape[axis]:
            raise OnnxModelError(
                f"{node.label} has {what.size} scales or zero points for axis {axis} of {levels.shape}"
            )
    shifted = levels.astype(np.int64) - _spread(zero_point.astype(np.int64), axis, levels.ndim)
    return Dequantized(shifted, scale.astype(np.float64).reshape(-1), axis)
