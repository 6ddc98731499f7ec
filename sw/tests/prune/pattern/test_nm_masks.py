"""N:M masks: exactly the most salient of every group, for shapes that divide and shapes that do not."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_sw.prune.pattern.block_grid import BlockGrid
from crisp_sw.prune.pattern.nm_masks import block_capacity, fine_mask, largest_of_groups


@st.composite
def fine_cases(draw):
    m = draw(st.sampled_from([1, 2, 4, 8]))
    grid = BlockGrid(
        out_channels=draw(st.integers(1, 12)),
        in_channels=draw(st.integers(1, 20)),
        taps=draw(st.sampled_from([1, 3])),
        block=m * draw(st.integers(1, 2)),
    )
    return grid, draw(st.integers(1, m)), m, draw(st.integers(0, 1000))


def saliency_of(grid: BlockGrid, seed: int) -> torch.Tensor:
    # Few different values, so that ties occur.
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(
        0, 4, (grid.out_channels, grid.in_channels, 1, grid.taps), generator=generator
    ).float()


@settings(deadline=None, max_examples=60, derandomize=True)
@given(case=fine_cases())
def test_group_keeps_its_most_salient(case):
    grid, n, m, seed = case
    saliency = saliency_of(grid, seed)
    mask = fine_mask(saliency, grid, n=n, m=m)
    assert mask.shape == saliency.shape
    for k in range(grid.out_channels):
        for tap in range(grid.taps):
            values = saliency[k, :, 0, tap].tolist()
            kept = mask[k, :, 0, tap].tolist()
            for start in range(0, grid.in_channels, m):
                group = range(start, min(start + m, grid.in_channels))
                best = sorted(group, key=lambda c: (-values[c], c))[:n]
                assert [c for c in group if kept[c]] == sorted(best)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(case=fine_cases())
def test_capacity_counts_what_the_mask_keeps(case):
    grid, n, m, seed = case
    mask = fine_mask(saliency_of(grid, seed), grid, n=n, m=m)
    assert torch.equal(grid.block_sums(mask.double()).long(), block_capacity(grid, n=n, m=m))


def test_groups_of_any_length():
    generator = torch.Generator().manual_seed(0)
    for m in (1, 3, 16, 300):
        groups = torch.randint(0, 5, (40, m), generator=generator).float()
        order = groups.argsort(dim=1, descending=True, stable=True)
        for n in (1, m // 2 + 1, m):
            expected = torch.zeros(groups.shape, dtype=torch.bool).scatter_(1, order[:, :n], True)
            assert torch.equal(largest_of_groups(groups, n), expected)


def test_linear_weight():
    grid = BlockGrid(out_channels=1, in_channels=6, taps=1, block=4)
    saliency = torch.tensor([[1.0, 3.0, 2.0, 0.0, 0.0, 0.0]])
    assert fine_mask(saliency, grid, n=1, m=4).int().tolist() == [[0, 1, 0, 0, 1, 0]]
