"""Rounding, multipliers and accumulator bounds of the output stage."""

from fractions import Fraction
from itertools import combinations, product
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_golden.arithmetic.fixed_point import (
    accumulator_bound,
    quantize_multiplier,
    quantize_output_scales,
    quantize_residual_multiplier,
    requantize,
    round_shift,
)
from crisp_golden.stimuli.random_conv import random_conv, random_int8, random_residual
from crisp_spec.errors import LayerError

scales = st.floats(2.0**-33, 2.0**14.9, allow_nan=False)


def round_half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


@given(st.integers(-(1 << 48), 1 << 48), st.integers(1, 48))
def test_round_shift_is_division_with_halves_rounded_up(value: int, shift: int):
    result = round_shift(np.array([value]), shift)
    assert result.dtype == np.int64
    assert result.tolist() == [round_half_up(Fraction(value, 1 << shift))]


def test_round_shift_of_halves():
    assert round_shift(np.array([-3, -1, 1, 3]), 1).tolist() == [-1, 0, 1, 2]


@pytest.mark.parametrize("residual", [False, True])
def test_requantize_equals_exact_rational_arithmetic(residual: bool):
    rng = np.random.default_rng(5)
    source = random_residual(rng, 6) if residual else None
    layer = random_conv(rng, (6, 1, 1, 1), residual=source, q_min=-100, q_max=90)
    acc = rng.integers(-(1 << 31), 1 << 31, (2, 6, 3, 5)).astype(np.int32)
    acc[0, 0, 0, :2] = (1 << 31) - 1, -(1 << 31)
    added = random_int8(rng, *acc.shape) if residual else None
    result = requantize(acc, layer, added)
    assert result.dtype == np.int8
    for index in np.ndindex(acc.shape):
        k = index[1]
        total = int(acc[index]) * int(layer.multiplier[k])
        if added is not None and source is not None:
            total += (int(added[index]) - source.zero_point) * int(source.multiplier[k]) << int(
                source.shift[k]
            )
        expected = layer.y_zero_point + round_half_up(Fraction(total, 1 << int(layer.shift[k])))
        assert result[index] == min(max(expected, -100), 90), f"seed 5, {index}"


def test_requantize_reads_channels_from_the_given_axis():
    rng = np.random.default_rng(6)
    layer = random_conv(rng, (6, 1, 1, 1))
    acc = rng.integers(-(1 << 20), 1 << 20, (2, 6, 3, 5)).astype(np.int32)
    last = requantize(acc.transpose(0, 2, 3, 1), layer, channel_axis=-1)
    assert np.array_equal(last.transpose(0, 3, 1, 2), requantize(acc, layer))


@given(st.lists(scales, min_size=1, max_size=5))
def test_multiplier_is_normalised_and_nearest(scale: list[float]):
    multiplier, shift = quantize_multiplier(np.array(scale))
    assert (multiplier.dtype, shift.dtype) == (np.uint16, np.uint8)
    for wanted, m, s in zip(scale, multiplier.tolist(), shift.tolist(), strict=True):
        assert 1 << 15 <= m < 1 << 16
        assert 1 <= s <= 48
        # Half a step of the multiplier; a quarter where the mantissa rounds up to the next power of two.
        assert abs(Fraction(m, 1 << s) - Fraction(wanted)) <= Fraction(1, 1 << (s + 1))


def test_multiplier_at_the_ends_of_its_range():
    multiplier, shift = quantize_multiplier(np.array([32767.5, 1.0, 1 - 2.0**-30, 2.0**-33, 2.0**-48]))
    assert multiplier.tolist() == [65535, 1 << 15, 1 << 15, 1 << 15, 1]
    assert shift.tolist() == [1, 15, 15, 48, 48]


@pytest.mark.parametrize("scale", [0.0, -1.0, np.inf, np.nan])
def test_multiplier_of_a_scale_that_is_not_positive_and_finite(scale: float):
    with pytest.raises(LayerError, match=f"scale of channel 1 must be positive and finite, not {scale:g}"):
        quantize_multiplier(np.array([1.0, scale]))


@pytest.mark.parametrize("scale", [40000.0, 1e-15])
def test_multiplier_of_a_scale_out_of_range(scale: float):
    message = f"scale {scale:g} of channel 0 cannot be represented: expected a 16-bit multiplier"
    with pytest.raises(LayerError, match=message):
        quantize_multiplier(np.array([scale]))


@given(st.floats(2.0**-10, 2.0**10), st.integers(17, 31))
def test_residual_multiplier_is_nearest(scale: float, shift: int):
    try:
        multiplier, left = quantize_residual_multiplier(np.array([scale]), np.array([shift], np.uint8))
    except LayerError:
        assert scale * 2.0**shift >= 2.0**31 - 2.0**14
        return
    assert (multiplier.dtype, left.dtype) == (np.uint16, np.uint8)
    assert left[0] <= 15
    error = abs(Fraction(int(multiplier[0]) << int(left[0])) - Fraction(scale) * (1 << shift))
    assert error <= Fraction(1 << int(left[0]), 2)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 31), (2.0**-20, 4)])
def test_residual_multiplier_out_of_reach(scale: float, shift: int):
    message = f"residual scale {scale:g} of channel 0 cannot be represented with a right shift of {shift}"
    with pytest.raises(LayerError, match=message):
        quantize_residual_multiplier(np.array([scale]), np.array([shift], np.uint8))


@given(st.floats(2.0**-25, 2.0**5), st.floats(2.0**-4, 2.0**4))
def test_output_scales_fit_together(scale: float, residual_scale: float):
    result = quantize_output_scales(np.array([scale]), residual_scale)
    assert result.residual_multiplier is not None
    assert result.residual_shift is not None
    shift = int(result.shift[0])
    assert abs(Fraction(int(result.multiplier[0]), 1 << shift) - Fraction(scale)) <= Fraction(
        1, 1 << (shift + 1)
    )
    factor = int(result.residual_multiplier[0]) << int(result.residual_shift[0])
    error = abs(Fraction(factor, 1 << shift) - Fraction(residual_scale))
    # Relative error of a 16-bit multiplier, or half a step of the right shift where that is coarser.
    assert error <= max(Fraction(residual_scale) / (1 << 16), Fraction(1, 1 << (shift + 1)))


def test_output_scales_shorten_the_multiplier_of_a_tiny_scale():
    result = quantize_output_scales(np.array([2.0**-25, 2.0**-8]), 1.0)
    assert result.shift.tolist() == [30, 23]
    assert result.multiplier.tolist() == [32, 1 << 15]
    assert result.residual_multiplier is not None
    assert result.residual_shift is not None
    assert result.residual_multiplier.tolist() == [1 << 15, 1 << 15]
    assert result.residual_shift.tolist() == [15, 8]


def test_output_scales_of_the_worked_example():
    """That of docs/arithmetic.md."""
    result = quantize_output_scales(np.array([0.003]), 0.75)
    assert (result.multiplier.tolist(), result.shift.tolist()) == ([50332], [24])
    assert result.residual_multiplier is not None
    assert result.residual_shift is not None
    assert (result.residual_multiplier.tolist(), result.residual_shift.tolist()) == ([49152], [8])


def test_output_scales_without_residual():
    result = quantize_output_scales(np.array([0.25]))
    assert (result.multiplier.tolist(), result.shift.tolist()) == ([1 << 15], [17])
    assert result.residual_multiplier is None
    assert result.residual_shift is None


def test_output_scales_that_no_shift_reconciles():
    with pytest.raises(LayerError, match=r"scale 1e-12 of channel 0 cannot be represented"):
        quantize_output_scales(np.array([1e-12]), 1.0)


@pytest.mark.parametrize("seed", range(20))
def test_bound_is_the_largest_partial_sum_of_any_order(seed: int):
    """Every prefix of every order is a subset of the terms: try all subsets on all extreme inputs."""
    rng = np.random.default_rng(seed)
    weight = random_int8(rng, 1, 3, 1, 1)
    bias = rng.integers(-300, 300, 1).astype(np.int32)
    largest = 0
    for x in product((-128, 0, 127), repeat=3):
        terms = [int(bias[0]), *(int(w) * v for w, v in zip(weight.ravel(), x, strict=True))]
        subsets = (subset for size in range(5) for subset in combinations(terms, size))
        largest = max(largest, *(abs(sum(subset)) for subset in subsets))
    assert accumulator_bound(weight, bias).tolist() == [largest]


def test_bound_is_per_channel_and_does_not_wrap():
    weight = np.full((2, 1024, 16, 9), -128, np.int8)
    weight[1] = 1
    bound = accumulator_bound(weight, np.array([-(1 << 31), 7], np.int32))
    assert bound.dtype == np.int64
    assert bound.tolist() == [127 * 128 * 147456 + (1 << 31), 128 * 147456]
