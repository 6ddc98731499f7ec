"""Weights with a random hybrid-sparse pattern, for hypothesis."""

import numpy as np
from hypothesis import strategies as st

from crisp_golden.arithmetic.network import Pattern
from crisp_golden.format.weight_matrix import block_grid, weight_from_matrix


@st.composite
def sparse_weights(draw: st.DrawFn) -> tuple[np.ndarray, Pattern]:
    """An int8 weight, K and C no multiples of anything, and the pattern that it has."""
    m = draw(st.sampled_from([1, 2, 4, 8]))
    n, block = draw(st.integers(1, m)), m * draw(st.integers(1, 3))
    shape = (
        draw(st.integers(1, 20)),
        draw(st.integers(1, 20)),
        *draw(st.sampled_from([(1, 1), (3, 3), (1, 5)])),
    )
    kept = draw(st.integers(0, block_grid(shape, block)[1]))
    return random_sparse_weight(
        np.random.default_rng(draw(st.integers(0, 1 << 32))), shape, n, m, block, kept
    )


def random_sparse_weight(
    rng: np.random.Generator, shape: tuple[int, int, int, int], n: int, m: int, block: int, kept: int
) -> tuple[np.ndarray, Pattern]:
    """A weight with up to ``n`` non-zeros per group in ``kept`` random blocks of every block-row."""
    rows, columns = block_grid(shape, block)
    mask = rng.permuted(np.tile(np.arange(columns) < kept, (rows, 1)), axis=1)
    groups = rng.integers(-128, 128, (rows * block * columns * block // m, m)).astype(np.int8)
    groups[rng.permuted(np.tile(np.arange(m) >= n, (len(groups), 1)), axis=1)] = 0
    matrix = groups.reshape(rows * block, columns * block) * mask.repeat(block, axis=0).repeat(block, axis=1)
    return weight_from_matrix(matrix, shape), Pattern(n=n, m=m, block=block, block_mask=mask)
