"""What makes a layer legal: types, shapes, ranges, and accumulators that cannot overflow."""

import numpy as np

from crisp_golden.arithmetic.fixed_point import (
    ACCUMULATOR_LIMIT,
    MAX_RESIDUAL_SHIFT,
    MAX_SHIFT,
    accumulator_bound,
)
from crisp_golden.arithmetic.network import MaxPool, QuantizedConv
from crisp_spec.errors import LayerError


def validate_layer(layer: QuantizedConv) -> None:
    """Check everything about a convolution that does not depend on its input's size.

    The sparsity pattern is not checked here; `crisp_golden.format.pattern.check_structure` does that.

    Raises
    ------
    LayerError : names the layer, the offending value and what was expected.
    """
    _check_weight(layer)
    _check_per_channel(layer, "bias", layer.bias, np.int32)
    _check_per_channel(layer, "multiplier", layer.multiplier, np.uint16)
    _check_per_channel(layer, "shift", layer.shift, np.uint8)
    _check_values(layer, "shift", layer.shift, 1, MAX_SHIFT)
    _check_range(layer, "stride", layer.stride, 1, None)
    for value in layer.padding:
        _check_range(layer, "padding", value, 0, None)
    for field in ("x_zero_point", "y_zero_point", "q_min", "q_max"):
        _check_range(layer, field, getattr(layer, field), -128, 127)
    if layer.q_min > layer.q_max:
        raise LayerError(f"{layer.name}: q_min {layer.q_min} must not exceed q_max {layer.q_max}")
    if layer.residual is not None:
        _check_range(layer, "residual zero_point", layer.residual.zero_point, -128, 127)
        _check_per_channel(layer, "residual multiplier", layer.residual.multiplier, np.uint16)
        _check_per_channel(layer, "residual shift", layer.residual.shift, np.uint8)
        _check_values(layer, "residual shift", layer.residual.shift, 0, MAX_RESIDUAL_SHIFT)
    _check_overflow(layer)


def validate_input(layer: QuantizedConv, x: np.ndarray) -> None:
    """Check that ``x`` is int8[B, C, H, W] and large enough for a legal convolution.

    Raises
    ------
    LayerError : names the layer, the shape or type given and the one expected.
    """
    _check_tensor(layer.name, "input", x)
    if x.shape[1] != layer.in_channels:
        raise LayerError(f"{layer.name}: input has {x.shape[1]} channels, expected {layer.in_channels}")
    if min(layer.out_size(x.shape[2], x.shape[3])) < 1:
        raise LayerError(
            f"{layer.name}: input of {x.shape[2]} x {x.shape[3]} pixels is smaller than the kernel "
            f"{layer.kernel[0]} x {layer.kernel[1]} with padding {layer.padding}"
        )


def validate_residual(layer: QuantizedConv, x: np.ndarray, residual: np.ndarray | None) -> None:
    """Check that ``residual`` is int8[B, K, Ho, Wo] if the layer adds one, and None otherwise.

    Raises
    ------
    LayerError : names the layer, what was given and what was expected.
    """
    if residual is None or layer.residual is None:
        if residual is not None or layer.residual is not None:
            expected = "no residual" if layer.residual is None else "a residual"
            raise LayerError(f"{layer.name}: expected {expected} tensor")
        return
    _check_tensor(layer.name, "residual", residual)
    expected = (x.shape[0], layer.out_channels, *layer.out_size(x.shape[2], x.shape[3]))
    if residual.shape != expected:
        raise LayerError(f"{layer.name}: residual has shape {residual.shape}, expected {expected}")


def validate_max_pool(layer: MaxPool) -> None:
    """Check everything about a max pooling layer that does not depend on its input's size.

    Raises
    ------
    LayerError : a size is out of range, or a kernel would lie wholly in the padding.
    """
    for field in ("kernel", "stride"):
        if getattr(layer, field) < 1:
            raise LayerError(f"{layer.name}: {field} must be at least 1, not {getattr(layer, field)}")
    if not 0 <= layer.padding <= layer.kernel // 2:
        raise LayerError(
            f"{layer.name}: padding must be from 0 to half the kernel ({layer.kernel // 2}), "
            f"not {layer.padding}"
        )


def validate_pool_input(layer: MaxPool, x: np.ndarray) -> None:
    """Check that ``x`` is int8[B, C, H, W] and large enough for a legal max pooling.

    Raises
    ------
    LayerError : names the layer, the shape or type given and the one expected.
    """
    _check_tensor(layer.name, "input", x)
    if min(x.shape[2:]) + 2 * layer.padding < layer.kernel:
        raise LayerError(
            f"{layer.name}: input of {x.shape[2]} x {x.shape[3]} pixels is smaller than the kernel "
            f"{layer.kernel} with padding {layer.padding}"
        )


def _check_tensor(name: str, what: str, x: np.ndarray) -> None:
    if x.ndim != 4 or x.dtype != np.int8:
        raise LayerError(f"{name}: {what} must be int8 with 4 axes, not {x.dtype} of shape {x.shape}")


def _check_weight(layer: QuantizedConv) -> None:
    weight = layer.weight
    if weight.ndim != 4 or weight.dtype != np.int8 or weight.size == 0:
        raise LayerError(
            f"{layer.name}: weight must be a non-empty int8 array with 4 axes, "
            f"not {weight.dtype} of shape {weight.shape}"
        )
    if layer.groups < 1 or layer.out_channels % layer.groups:
        raise LayerError(
            f"{layer.name}: groups must divide the {layer.out_channels} output channels, not {layer.groups}"
        )


def _check_per_channel(layer: QuantizedConv, field: str, value: np.ndarray, dtype: type) -> None:
    if value.shape != (layer.out_channels,) or value.dtype != dtype:
        raise LayerError(
            f"{layer.name}: {field} must be {np.dtype(dtype)} of shape ({layer.out_channels},), "
            f"not {value.dtype} of shape {value.shape}"
        )


def _check_values(layer: QuantizedConv, field: str, values: np.ndarray, low: int, high: int) -> None:
    bad = (values < low) | (values > high)
    if bad.any():
        channel = int(np.argmax(bad))
        raise LayerError(
            f"{layer.name}: {field} of channel {channel} must be from {low} to {high}, not {values[channel]}"
        )


def _check_range(layer: QuantizedConv, field: str, value: int, low: int, high: int | None) -> None:
    if value < low or (high is not None and value > high):
        expected = f"at least {low}" if high is None else f"from {low} to {high}"
        raise LayerError(f"{layer.name}: {field} must be {expected}, not {value}")


def _check_overflow(layer: QuantizedConv) -> None:
    bound = accumulator_bound(layer.weight, layer.bias)
    channel = int(np.argmax(bound))
    if bound[channel] >= ACCUMULATOR_LIMIT:
        raise LayerError(
            f"{layer.name}: the accumulator of channel {channel} can reach {bound[channel]}, "
            f"expected less than 2**31 = {ACCUMULATOR_LIMIT}"
        )
