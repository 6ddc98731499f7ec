"""Fixed-point arithmetic of the output stage: multipliers, the one rounding, and accumulator bounds.

Real scales become a 16-bit multiplier and a right shift per output channel, as in Jacob et al.,
"Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference"
(CVPR 2018), section 2.2, but with a single rounding after the residual has been added.
"""

from dataclasses import dataclass

import numpy as np

from crisp_golden.arithmetic.network import QuantizedConv, ResidualInput
from crisp_spec.errors import LayerError

MULTIPLIER_BITS = 16
MAX_SHIFT = 48
MAX_RESIDUAL_SHIFT = 15
ACCUMULATOR_LIMIT = 1 << 31


@dataclass(frozen=True, kw_only=True)
class OutputMultipliers:
    """Fixed-point scales of one output stage, as `QuantizedConv` and `ResidualInput` take them.

    Attributes
    ----------
    multiplier, shift : uint16[K] and uint8[K]; ``multiplier / 2**shift`` is the accumulator's scale.
    residual_multiplier, residual_shift : uint16[K] and uint8[K], or None without a residual;
        ``(residual_multiplier << residual_shift) / 2**shift`` is the residual's scale.
    """

    multiplier: np.ndarray
    shift: np.ndarray
    residual_multiplier: np.ndarray | None = None
    residual_shift: np.ndarray | None = None


def round_shift(value: np.ndarray, shift: np.ndarray | int) -> np.ndarray:
    """``(value + 2**(shift - 1)) >> shift``: divide by a power of two, halves rounded up.

    Parameters
    ----------
    value : integers below 2**62 in magnitude, any shape.
    shift : integers from 1 to 48, broadcast against ``value``.

    Returns
    -------
    int64, the broadcast shape.
    """
    shift = np.asarray(shift, np.int64)
    return (np.asarray(value, np.int64) + (np.int64(1) << (shift - 1))) >> shift


def requantize(
    acc: np.ndarray, layer: QuantizedConv, residual: np.ndarray | None = None, *, channel_axis: int = 1
) -> np.ndarray:
    """Output stage of a convolution: scale, add the residual, round once, clamp.

    Parameters
    ----------
    acc : int32[..., K, ...], bias included.
    residual : int8 of the same shape, exactly when the layer has a residual input.
    channel_axis : axis of ``acc`` that holds the K channels.

    Returns
    -------
    int8, shape of ``acc``: ``clamp(y_zero_point + round_shift(acc * multiplier + ((residual - zero_point)
    * residual_multiplier << residual_shift), shift), q_min, q_max)``. No intermediate exceeds 50 bits.
    """
    shape = [1] * acc.ndim
    shape[channel_axis] = -1

    def per_channel(parameter: np.ndarray) -> np.ndarray:
        return parameter.astype(np.int64).reshape(shape)

    total = acc * per_channel(layer.multiplier)
    if residual is not None and layer.residual is not None:
        total += _residual_term(layer.residual, residual, per_channel)
    shift = per_channel(layer.shift)
    total += np.int64(1) << (shift - 1)
    total >>= shift
    total += layer.y_zero_point
    return np.clip(total, layer.q_min, layer.q_max, out=total).astype(np.int8)


def _residual_term(source: ResidualInput, residual: np.ndarray, per_channel) -> np.ndarray:
    factor = per_channel(source.multiplier) << per_channel(source.shift)
    return (residual.astype(np.int64) - source.zero_point) * factor


def quantize_multiplier(scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fixed-point form of positive real scales: ``multiplier / 2**shift`` nearest to ``scale``.

    Parameters
    ----------
    scale : float[K], input scale times weight scale over output scale.

    Returns
    -------
    uint16[K] multipliers, in [2**15, 2**16) wherever ``scale >= 2**-33``, so that the relative error is
    at most 2**-16; and uint8[K] right shifts from 1 to 48.

    Raises
    ------
    LayerError : a scale is not positive and finite, or lies outside what 16 bits and the shift can say.
    """
    scale = _positive_scales(scale, "scale")
    return _round_to_shift(scale, np.clip(_normal_shift(scale), 1, MAX_SHIFT))


def quantize_residual_multiplier(scale: np.ndarray, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fixed-point form of residual scales that share the right shift of the accumulator.

    Parameters
    ----------
    scale : float[K], residual scale over output scale.
    shift : uint8[K], right shift of each channel's output stage.

    Returns
    -------
    uint16[K] multipliers and uint8[K] left shifts from 0 to 15 with ``multiplier << left_shift`` nearest
    to ``scale * 2**shift``.

    Raises
    ------
    LayerError : a scale is not positive and finite, or cannot be reached with this shift;
        `quantize_output_scales` chooses shifts with which it can.
    """
    scale = _positive_scales(scale, "residual scale")
    left = np.maximum(np.asarray(shift, np.int64) - _normal_shift(scale), 0)
    multiplier = np.rint(np.ldexp(scale, np.asarray(shift, np.int64) - left)).astype(np.int64)
    bad = (left > MAX_RESIDUAL_SHIFT) | (multiplier == 0)
    if bad.any():
        channel = int(np.argmax(bad))
        raise LayerError(
            f"residual scale {scale[channel]:g} of channel {channel} cannot be represented with a right "
            f"shift of {shift[channel]}: expected a 16-bit multiplier and a left shift from 0 to "
            f"{MAX_RESIDUAL_SHIFT}"
        )
    return multiplier.astype(np.uint16), left.astype(np.uint8)


def quantize_output_scales(scale: np.ndarray, residual_scale: float | None = None) -> OutputMultipliers:
    """Choose the multipliers and shifts of an output stage together, so that both scales fit.

    A channel whose weights are tiny beside the residual gets a smaller right shift than its own scale
    would choose, and therefore a shorter multiplier, until the residual's left shift is in range.

    Parameters
    ----------
    scale : float[K], input scale times weight scale over output scale.
    residual_scale : residual scale over output scale; None for a layer without a residual.

    Raises
    ------
    LayerError : no shift from 1 to 48 represents both scales of a channel.
    """
    if residual_scale is None:
        multiplier, shift = quantize_multiplier(scale)
        return OutputMultipliers(multiplier=multiplier, shift=shift)
    scale = _positive_scales(scale, "scale")
    residual = np.full(scale.shape, residual_scale)
    shift = np.clip(_normal_shift(scale), 1, largest_shift(residual_scale))
    multiplier, shift = _round_to_shift(scale, shift)
    residual_multiplier, residual_shift = quantize_residual_multiplier(residual, shift)
    return OutputMultipliers(
        multiplier=multiplier,
        shift=shift,
        residual_multiplier=residual_multiplier,
        residual_shift=residual_shift,
    )


def largest_shift(residual_scale: float | None = None) -> int:
    """The largest right shift of an output stage; ``2**-shift`` is the least scale that it represents.

    Parameters
    ----------
    residual_scale : residual scale over output scale, which must be in reach of the residual's left shift;
        None for a layer without a residual.

    Raises
    ------
    LayerError : the residual scale is not positive and finite.
    """
    if residual_scale is None:
        return MAX_SHIFT
    (normal,) = _normal_shift(_positive_scales(np.array([residual_scale]), "residual scale"))
    return int(np.clip(normal + MAX_RESIDUAL_SHIFT, 1, MAX_SHIFT))


def accumulator_bound(weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Largest magnitude that a channel's accumulator can reach over all int8 inputs.

    The bound holds for the sum of *any subset* of the products with or without the bias, hence for every
    intermediate value of every order of summation and every adder tree, and some input reaches it.

    Parameters
    ----------
    weight : int8[K, ...].
    bias : int32[K].

    Returns
    -------
    int64[K]. A layer is legal if all are below 2**31.
    """
    flat = weight.reshape(len(weight), -1)
    positive = np.maximum(flat, 0).sum(axis=1, dtype=np.int64)
    negative = positive - flat.sum(axis=1, dtype=np.int64)
    bias = bias.astype(np.int64)
    highest = np.maximum(bias, 0) + 127 * positive + 128 * negative
    lowest = np.maximum(-bias, 0) + 128 * positive + 127 * negative
    return np.maximum(highest, lowest)


def _positive_scales(scale: np.ndarray, what: str) -> np.ndarray:
    scale = np.atleast_1d(np.asarray(scale, np.float64))
    bad = ~(np.isfinite(scale) & (scale > 0))
    if bad.any():
        channel = int(np.argmax(bad))
        raise LayerError(f"{what} of channel {channel} must be positive and finite, not {scale[channel]:g}")
    return scale


def _normal_shift(scale: np.ndarray) -> np.ndarray:
    """The right shift whose multiplier for ``scale`` rounds into [2**15, 2**16)."""
    mantissa, exponent = np.frexp(scale)
    rounds_up = np.rint(np.ldexp(mantissa, MULTIPLIER_BITS)) == 1 << MULTIPLIER_BITS
    return (MULTIPLIER_BITS - exponent - rounds_up).astype(np.int64)


def _round_to_shift(scale: np.ndarray, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    multiplier = np.rint(np.ldexp(scale, shift))
    bad = (multiplier < 1) | (multiplier >= 1 << MULTIPLIER_BITS)
    if bad.any():
        channel = int(np.argmax(bad))
        raise LayerError(
            f"scale {scale[channel]:g} of channel {channel} cannot be represented: expected a 16-bit "
            f"multiplier over 2**shift with a shift from 1 to {MAX_SHIFT} (here {shift[channel]})"
        )
    return multiplier.astype(np.uint16), shift.astype(np.uint8)
