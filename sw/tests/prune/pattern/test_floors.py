"""Floors: the default against its formula, at the densities that matter, and its limits."""

import pytest

from crisp_sw.prune.pattern.floors import BlockFloor, Floor


@pytest.mark.parametrize(
    ("density", "sparsity", "expected"),
    [
        (0.25, 0.5, 0.75),  # N:M alone exceeds the target: no block may go
        (0.25, 0.75, 0.75),
        (0.25, 0.92, 0.24),  # 0.75 * 0.32
        (0.25, 0.95, 0.12),  # 0.2 - 0.1 * 0.8
        (0.5, 0.92, 0.076),
        (0.5, 0.95, 0.01),
        (1.0, 0.92, 0.0),  # 0.08 - 0.1 * 0.92 is less than nothing
    ],
)
def test_default_leaves_a_tenth_of_what_goes_to_the_scores(density, sparsity, expected):
    share = Floor(min_kept_share=None).share(sparsity=sparsity, density=density)
    assert share == pytest.approx(expected, abs=1e-12)
    uniform = min(1.0, (1 - sparsity) / density)
    assert share == 0 or uniform - share >= 0.1 * (1 - uniform) - 1e-12


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_fixed_share_is_of_uniform_pruning(share):
    assert Floor(min_kept_share=share).share(sparsity=0.92, density=0.5) == pytest.approx(share * 0.16)
    assert Floor(min_kept_share=share).share(sparsity=0.3, density=0.5) == share


@pytest.mark.parametrize("fixed", [None, 0.0, 0.75, 1.0])
def test_floors_never_rise_with_the_target(fixed):
    shares = [Floor(min_kept_share=fixed).share(sparsity=step / 200, density=0.5) for step in range(200)]
    assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize(
    ("columns", "least", "share", "expected"),
    [(36, 1, 0.06, 2), (4, 1, 0.05, 1), (4, 9, 0.0, 4), (100, 1, 0.29, 29), (8, 3, 0.1, 3), (5, 1, 1.0, 5)],
)
def test_blocks_of_a_row_are_the_larger_floor_and_at_most_all(columns, least, share, expected):
    floor = BlockFloor(min_kept_blocks=least, min_kept_share=share)
    assert floor.blocks(columns, sparsity=0.0, density=1.0) == expected
