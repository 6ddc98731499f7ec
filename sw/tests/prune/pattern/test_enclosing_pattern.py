"""The tightest pattern of the hardware for any mask."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_golden.format.pattern import find_violation
from crisp_sw.prune.pattern.block_grid import BlockGrid
from crisp_sw.prune.pattern.enclosing_pattern import enclosing_pattern


def test_rows_are_filled_up_with_the_lowest_empty_blocks():
    grid = BlockGrid(out_channels=4, in_channels=6, taps=1, block=2)
    mask = torch.zeros(4, 6, dtype=torch.bool)
    mask[0, 1] = mask[0, 5] = mask[2, 2] = True
    pattern = enclosing_pattern(mask, grid, 2)
    assert pattern.n == 1
    assert pattern.block_mask.tolist() == [[True, False, True], [True, True, False]]


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    k=st.integers(1, 12),
    c=st.integers(1, 12),
    block=st.sampled_from([2, 4, 8]),
    density=st.sampled_from([0.0, 0.05, 0.3, 1.0]),
    seed=st.integers(0, 1000),
)
def test_any_mask_fits_and_a_smaller_n_does_not(k, c, block, density, seed):
    grid = BlockGrid(out_channels=k, in_channels=c, taps=4, block=block)
    mask = torch.rand(k, c, 2, 2, generator=torch.Generator().manual_seed(seed)) < density
    pattern = enclosing_pattern(mask, grid, 2)
    weight = mask.numpy().astype(np.int8)
    assert find_violation(weight, pattern) is None
    if pattern.n > 1:
        smaller = type(pattern)(n=1, m=2, block=block, block_mask=pattern.block_mask)
        violation = find_violation(weight, smaller)
        assert violation is not None
        assert violation.rule == "n of m"
