"""The importer finds the pattern that weights have, whatever made them."""

import numpy as np
import pytest

from crisp_golden.format.pattern import find_violation
from crisp_golden.format.sizes import size_report
from crisp_golden.format.weight_matrix import expand_groups
from crisp_golden.stimuli.random_conv import random_sparse_weight
from crisp_sw.exchange.onnx.importer.find_pattern import find_pattern


@pytest.mark.parametrize("seed", range(12))
def test_finds_a_pattern_no_larger_than_the_one_that_was_made(seed: int):
    rng = np.random.default_rng(seed)
    n, block = int(rng.integers(1, 4)), int(rng.choice([8, 16, 32]))
    shape = (4 * block, 3 * block, 1, 3)
    weight, pattern = random_sparse_weight(rng, shape, n, 4, block, 4)
    found = find_pattern(weight)
    assert found is not None
    assert find_violation(weight, found) is None
    assert size_report(weight, found)["hybrid"] <= size_report(weight, pattern)["hybrid"]
    assert (found.n, found.block) == (n, block)
    assert np.array_equal(found.block_mask, pattern.block_mask)


def test_dense_and_depthwise_weights_have_none():
    weight = np.ones((32, 32, 3, 3), np.int8)
    assert find_pattern(weight) is None
    assert find_pattern(np.ones((32, 1, 3, 3), np.int8), groups=32) is None


def test_a_block_that_is_zero_by_chance_is_kept_to_make_rows_equal():
    weight = np.ones((32, 64, 1, 1), np.int8)
    weight[:, 32:] = 0
    weight[:16, 16:32] = 0
    found = find_pattern(weight)
    assert found is not None
    assert len(set(found.block_mask.sum(axis=1).tolist())) == 1
    assert find_violation(weight, found) is None


def test_grouped_weights_are_found_in_the_block_diagonal_matrix():
    weight = np.zeros((64, 32, 1, 1), np.int8)
    weight[:, ::4] = 3
    found = find_pattern(weight, groups=2)
    assert found is not None
    assert found.n == 1
    assert find_violation(expand_groups(weight, 2), found) is None


def test_grouped_weights_of_a_huge_matrix_are_not_searched():
    weight = np.ones((1 << 14, 2, 1, 1), np.int8)
    assert find_pattern(weight, groups=1 << 13) is None


def test_group_sizes_other_than_four():
    weight = np.zeros((16, 64, 1, 1), np.int8)
    weight[:, ::8] = 1
    found = find_pattern(weight, m=8)
    assert found is not None
    assert (found.n, found.m) == (1, 8)
