"""The matrix view of weights, grouped layers as block-diagonal ones, and their masks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_golden.arithmetic.convolution import accumulate
from crisp_golden.format.weight_matrix import (
    block_grid,
    equal_block_rows,
    expand_groups,
    weight_from_matrix,
    weight_matrix,
)
from crisp_golden.stimuli.random_conv import random_conv, random_int8

sizes = st.integers(1, 9)


@given(sizes, sizes, st.integers(1, 3), st.integers(1, 3), st.integers(1, 8))
def test_matrix_is_tap_major_and_inverts(channels: int, inputs: int, kh: int, kw: int, block: int):
    weight = np.arange(1, channels * inputs * kh * kw + 1).reshape(channels, inputs, kh, kw)
    matrix = weight_matrix(weight, block)
    rows, columns = block_grid(weight.shape, block)
    assert matrix.shape == (rows * block, columns * block)
    padded_inputs = columns * block // (kh * kw)
    for k, c, y, x in np.ndindex(weight.shape):
        assert matrix[k, (y * kw + x) * padded_inputs + c] == weight[k, c, y, x]
    assert np.count_nonzero(matrix) == weight.size
    assert np.array_equal(weight_from_matrix(matrix, weight.shape), weight)


@pytest.mark.parametrize(("channels", "inputs", "groups"), [(4, 6, 1), (4, 6, 2), (6, 6, 6), (12, 6, 6)])
def test_expanded_groups_compute_the_same(channels: int, inputs: int, groups: int):
    rng = np.random.default_rng(0)
    grouped = random_conv(rng, (channels, inputs // groups, 3, 3), groups=groups, x_zero_point=4)
    weight = expand_groups(grouped.weight, groups)
    assert weight.shape == (channels, inputs, 3, 3)
    full = random_conv(rng, weight.shape, weight=weight, bias=grouped.bias, x_zero_point=4)
    x = random_int8(rng, 2, inputs, 5, 5)
    assert np.array_equal(accumulate(full, x), accumulate(grouped, x))


def test_block_rows_are_made_equal_by_the_lowest_blocks():
    mask = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]], bool)
    assert equal_block_rows(mask).all()
    skewed = np.array([[0, 0, 0, 1], [0, 1, 0, 1], [0, 0, 0, 0]], bool)
    assert equal_block_rows(skewed).tolist() == [
        [True, False, False, True],
        [False, True, False, True],
        [True, True, False, False],
    ]
