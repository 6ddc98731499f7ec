"""QuantizeLinear and DequantizeLinear: codes of activations, and constants given as integers and scales."""

import math

import numpy as np

from crisp_sw.exchange.onnx.errors import OnnxModelError
from crisp_sw.exchange.onnx.file.operator_table import TYPE_INT8, TYPE_UINT8
from crisp_sw.exchange.onnx.importer.graph import GraphNode
from crisp_sw.exchange.onnx.importer.values import Activation, Code, Constant, Dequantized, Value

# Unsigned activations mean the same as signed ones with a zero point 128 lower.
_SHIFT = {np.dtype(np.int8): 0, np.dtype(np.uint8): 128}
_OUTPUT_TYPES = {TYPE_INT8: np.dtype(np.int8), TYPE_UINT8: np.dtype(np.uint8)}


def quantized_code(node: GraphNode, inputs: list[Value | None]) -> Code:
    """The code that a QuantizeLinear node gives an activation.

    Raises
    ------
    OnnxModelError : it has not one scale and one zero point, or the types contradict each other.
    """
    return _code(node, inputs, _output_type(node, inputs))


def check_dequantized(node: GraphNode, source: Activation, inputs: list[Value | None]) -> None:
    """Check that a DequantizeLinear node takes an activation for what it is.

    Raises
    ------
    OnnxModelError : scale, zero point or type are others than those of the activation.
    """
    if not same_code(source.code, _code(node, inputs, source.code.dtype)):
        raise OnnxModelError(f"{node.label}: scale or zero point differ from those of {source.tensor!r}")


def same_code(one: Code, other: Code) -> bool:
    """Equal zero points, and scales that are equal up to float32's rounding."""
    return one.zero_point == other.zero_point and math.isclose(one.scale, other.scale, rel_tol=1e-6)


def dequantize(node: GraphNode, source: Constant, inputs: list[Value | None]) -> Dequantized:
    """Constant integers with the scale and zero point of a DequantizeLinear node.

    Raises
    ------
    OnnxModelError : scales, zero points and levels do not fit together.
    """
    levels = source.value
    scale, zero_point = _parameters(node, inputs, levels.dtype)
    axis = _axis(node, levels, scale)
    wide = np.int32 if levels.itemsize < 4 else np.int64
    shifted = levels.astype(wide) - _spread(zero_point.astype(wide), axis, levels.ndim)
    return Dequantized(shifted, scale.astype(np.float64), axis)


def quantize_constant(node: GraphNode, source: Constant, inputs: list[Value | None]) -> Constant:
    """A float constant, rounded to the levels of a QuantizeLinear node, halves to even.

    Raises
    ------
    OnnxModelError : scales, zero points and constant do not fit together, or the constant is not finite.
    """
    dtype, values = _output_type(node, inputs), source.value
    scale, zero_point = _parameters(node, inputs, dtype)
    axis = _axis(node, values, scale)
    if not np.isfinite(values).all():
        raise OnnxModelError(f"{node.label} quantizes constants that are not finite")
    with np.errstate(over="ignore"):  # infinity becomes the last level
        levels = np.rint(values / _spread(scale, axis, values.ndim))
    levels += _spread(zero_point.astype(np.float32), axis, values.ndim)
    limits = np.iinfo(dtype)
    return Constant(np.clip(levels, limits.min, limits.max).astype(dtype))


def _code(node: GraphNode, inputs: list[Value | None], dtype: np.dtype) -> Code:
    scale, zero_point = _parameters(node, inputs, dtype)
    if scale.size != 1:
        raise OnnxModelError(f"{node.label} has {scale.size} scales for an activation; expected one")
    return Code(float(scale[0]), int(zero_point[0]) - _SHIFT[dtype], dtype)


def _output_type(node: GraphNode, inputs: list[Value | None]) -> np.dtype:
    """The type of a QuantizeLinear node's integers: the zero point's, that of ``output_dtype``, or uint8."""
    zero_point = inputs[2] if len(inputs) > 2 else None
    attribute = _OUTPUT_TYPES.get(node.attributes.get("output_dtype", 0))
    if not isinstance(zero_point, Constant):
        return attribute or np.dtype(np.uint8)
    found = zero_point.value.dtype
    if attribute not in (None, found):
        raise OnnxModelError(f"{node.label} has output_dtype {attribute} and a zero point of {found}")
    return found


def _parameters(
    node: GraphNode, inputs: list[Value | None], dtype: np.dtype
) -> tuple[np.ndarray, np.ndarray]:
    """Scales float32[n] and zero points dtype[n], where n is 1 or the length of an axis."""
    scale, zero_point = inputs[1], inputs[2] if len(inputs) > 2 else None
    if not isinstance(scale, Constant) or not isinstance(zero_point, Constant | None):
        raise OnnxModelError(f"{node.label} has a scale or zero point that is itself dequantized")
    zeros = np.zeros(scale.value.shape, dtype) if zero_point is None else zero_point.value
    if scale.value.ndim > 1 or not scale.value.size or scale.value.size != zeros.size or zeros.ndim > 1:
        raise OnnxModelError(
            f"{node.label} has scales of shape {scale.value.shape} and zero points of shape {zeros.shape}; "
            "expected equal ones of at most one axis"
        )
    if zeros.dtype != dtype:
        raise OnnxModelError(f"{node.label} has a zero point of {zeros.dtype} for {dtype}")
    wrong = scale.value[~(np.isfinite(scale.value) & (scale.value > 0))]
    if wrong.size:
        raise OnnxModelError(f"{node.label} has the scale {wrong[0]:g}; expected a positive number")
    return scale.value.reshape(-1), zeros.reshape(-1)


def _axis(node: GraphNode, values: np.ndarray, scale: np.ndarray) -> int:
    """The axis of ``values`` that the scales belong to; any where there is one scale alone."""
    axis, axes = int(node.attributes["axis"]), values.ndim
    if scale.size == 1:
        return 0
    if not -axes <= axis < axes or scale.size != values.shape[axis]:
        raise OnnxModelError(f"{node.label} has {scale.size} scales for axis {axis} of {values.shape}")
    return axis % axes


def _spread(values: np.ndarray, axis: int, axes: int) -> np.ndarray:
    return values.reshape([-1 if i == axis else 1 for i in range(axes)])
