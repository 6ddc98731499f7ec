"""The block grid against an element-by-element reading of its definition."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_sw.prune.pattern.block_grid import BlockGrid

grids = st.builds(
    BlockGrid,
    out_channels=st.integers(1, 20),
    in_channels=st.integers(1, 20),
    taps=st.sampled_from([1, 4, 9]),
    block=st.sampled_from([2, 4, 8]),
)


def block_of(grid: BlockGrid, k: int, c: int, tap: int) -> tuple[int, int]:
    """Block-row and block column of one weight, from the definition."""
    per_tap = (grid.in_channels + grid.block - 1) // grid.block
    return k // grid.block, tap * per_tap + c // grid.block


@settings(deadline=None, max_examples=40, derandomize=True)
@given(grid=grids, seed=st.integers(0, 1000))
def test_block_sums_and_spread(grid, seed):
    generator = torch.Generator().manual_seed(seed)
    shape = torch.Size((grid.out_channels, grid.in_channels, 1, grid.taps))
    weight = torch.randint(0, 100, shape, generator=generator).double()
    mask = torch.rand(grid.block_rows, grid.block_columns, generator=generator) < 0.5
    sums = torch.zeros(grid.block_rows, grid.block_columns, dtype=torch.float64)
    spread = torch.zeros(shape, dtype=torch.bool)
    for k, c, _, tap in torch.cartesian_prod(*map(torch.arange, shape)).reshape(-1, 4).tolist():
        row, column = block_of(grid, k, c, tap)
        sums[row, column] += weight[k, c, 0, tap]
        spread[k, c, 0, tap] = mask[row, column]
    assert torch.equal(grid.block_sums(weight), sums)
    assert torch.equal(grid.spread(mask, shape), spread)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(grid=grids)
def test_unmatrix_inverts_matrix(grid):
    weight = torch.arange(grid.weights).reshape(grid.out_channels, grid.in_channels, grid.taps, 1)
    matrix = grid.matrix(weight, fill=-1)
    assert matrix.shape == (
        grid.block_rows * grid.block,
        grid.taps,
        grid.channel_blocks * grid.block,
    )
    assert int((matrix == -1).sum()) == matrix.numel() - grid.weights
    assert torch.equal(grid.unmatrix(matrix, weight.shape), weight)


def test_linear_weight_is_one_tap():
    grid = BlockGrid(out_channels=3, in_channels=5, taps=1, block=2)
    weight = torch.ones(3, 5)
    assert grid.block_sums(weight).tolist() == [[4.0, 4.0, 2.0], [2.0, 2.0, 1.0]]
    assert grid.spread(torch.ones(2, 3, dtype=torch.bool), weight.shape).shape == weight.shape


def test_block_diagonal_mask():
    grid = BlockGrid(out_channels=8, in_channels=4, taps=2, block=2, groups=2)
    local = torch.tensor([[1, 0, 1, 1], [0, 1, 0, 0], [1, 1, 0, 1], [0, 0, 1, 0]], dtype=torch.bool)
    # Columns: tap 0 of group 0, tap 0 of group 1, tap 1 of group 0, tap 1 of group 1; two blocks each.
    expected = [
        [1, 0, 0, 0, 1, 1, 0, 0],
        [0, 1, 0, 0, 0, 0, 0, 0],
        [0, 0, 1, 1, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 1, 0],
    ]
    assert grid.block_diagonal(local).int().tolist() == expected


def test_block_diagonal_of_a_depthwise_layer():
    grid = BlockGrid(out_channels=3, in_channels=1, taps=2, block=2, groups=3)
    local = torch.tensor([[1, 1], [0, 1]], dtype=torch.bool)
    # Columns: tap 0 of both blocks of channels, then tap 1.
    assert grid.block_diagonal(local).int().tolist() == [[1, 0, 1, 0], [0, 0, 0, 1]]


def test_block_diagonal_of_one_group_is_the_mask_itself():
    grid = BlockGrid(out_channels=5, in_channels=7, taps=3, block=4)
    mask = torch.rand(2, 6, generator=torch.Generator().manual_seed(0)) < 0.5
    assert torch.equal(grid.block_diagonal(mask), mask)
