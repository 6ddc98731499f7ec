"""Channels that the core cannot hold in the steps of the file, in coarser steps that it can.

Trained networks have nearly dead channels: with a scale per channel their steps are so small that no
multiplier says them, that the multiplier beside a residual has few bits, or that the bias, alone or with the
share of the input's zero point, does not fit 32 bits. Such a channel gets steps that are ``factor`` times as
large. How far its output can move by that is computed, and what is visible is refused.
"""

import numpy as np

from crisp_golden.arithmetic.fixed_point import (
    ACCUMULATOR_LIMIT,
    OutputMultipliers,
    accumulator_bound,
    largest_shift,
    quantize_output_scales,
)
from crisp_sw.exchange.onnx.errors import OnnxModelError

MOST_CHANGE = 1 / 16
"""Steps of the output by which rounding a channel's weights and bias may move it."""

RELATIVE_ERROR = 2.0**-16
"""Of a multiplier with all its bits."""

LARGEST_INPUT = 255
"""Largest distance of an int8 code to its zero point."""


def fit_channels(
    name: str,
    weight: np.ndarray,
    bias: np.ndarray,
    scale: np.ndarray,
    *,
    x_zero_point: int,
    residual_scale: float | None,
) -> tuple[np.ndarray, np.ndarray, OutputMultipliers]:
    """Weight, bias and multipliers of a layer; those of ordinary channels stand for exactly what is given.

    Parameters
    ----------
    weight : int8[K, C / groups, kh, kw].
    bias : float64[K] in steps of the accumulator, not rounded, without the share of the input's zero point.
    scale : float64[K], steps of the output per step of the accumulator.
    residual_scale : steps of the output per step of the residual; None for a layer without one.

    Returns
    -------
    int8[K, C / groups, kh, kw]; int32[K] with the share of the input's zero point; the multipliers.

    Raises
    ------
    OnnxModelError : an output could move by more than `MOST_CHANGE` of a step.
    LayerError : a scale is not positive and finite, or too large for a multiplier.
    """
    factor = _power_above(np.abs(bias) / ACCUMULATOR_LIMIT)
    factor *= _to_sayable(scale * factor, residual_scale)
    while True:
        levels = _rounded(weight, factor)
        share = x_zero_point * levels.sum(axis=(1, 2, 3), dtype=np.int64)
        steps = np.rint(bias / factor)
        total = steps.astype(np.int64) - share
        too_large = accumulator_bound(levels, total) >= ACCUMULATOR_LIMIT
        if not too_large.any():
            break
        factor[too_large] *= 2
    change = scale * factor * (_rounding(weight, levels, factor) + np.abs(bias / factor - steps))
    worst = int(np.argmax(change))
    if change[worst] > MOST_CHANGE:
        reason = (
            "fits the core's 16-bit multiplier and 32-bit accumulator only with its weights and bias rounded"
        )
        if factor[worst] == 1:
            reason = "has a bias between two steps of the accumulator, to which it is rounded"
        raise OnnxModelError(
            f"{name}: channel {worst} {reason}, which moves its output by up to {change[worst]:.3g} steps; "
            f"expected at most {MOST_CHANGE:g}"
        )
    return levels, total.astype(np.int32), quantize_output_scales(scale * factor, residual_scale)


def _to_sayable(scale: np.ndarray, residual_scale: float | None) -> np.ndarray:
    """Factors of at least 1 with which the scales are those of a multiplier, to all its bits; mostly 1."""
    least = 2.0 ** -largest_shift(residual_scale)
    output = quantize_output_scales(np.where(scale > 0, np.maximum(scale, least), scale), residual_scale)
    exponent = -output.shift.astype(np.int64)
    nearest = np.ldexp(output.multiplier.astype(np.float64), exponent)
    above = np.where(nearest < scale, nearest + np.ldexp(1.0, exponent), nearest)
    return np.where(np.abs(nearest / scale - 1) > RELATIVE_ERROR, above / scale, 1.0)


def _power_above(ratio: np.ndarray) -> np.ndarray:
    """The smallest power of two that is not below ``ratio``, at least 1."""
    return np.exp2(np.ceil(np.log2(np.maximum(ratio, 1))))


def _rounded(weight: np.ndarray, factor: np.ndarray) -> np.ndarray:
    coarse = factor > 1
    levels = weight.copy()
    levels[coarse] = np.rint(weight[coarse] / factor[coarse, None, None, None]).astype(np.int8)
    return levels


def _rounding(weight: np.ndarray, levels: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """float64[K]: how far the products of a channel can be from the file's, in its new steps."""
    coarse, error = factor > 1, np.zeros(len(factor))
    exact = weight[coarse] / factor[coarse, None, None, None]
    error[coarse] = LARGEST_INPUT * np.abs(exact - levels[coarse]).sum(axis=(1, 2, 3))
    return error
