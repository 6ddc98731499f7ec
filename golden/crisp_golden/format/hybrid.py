"""The hybrid-sparse format in memory: kept block indices, and N values with their places per M-group."""

from dataclasses import dataclass

import numpy as np

from crisp_golden.arithmetic.network import Pattern
from crisp_golden.format.pattern import check_structure
from crisp_golden.format.weight_matrix import block_grid, weight_from_matrix, weight_matrix


@dataclass(frozen=True, kw_only=True)
class HybridMatrix:
    """A weight tensor in the hybrid format of CRISP (arXiv 2311.14272, section III).

    Attributes
    ----------
    n, m, block : N, M and B of the pattern.
    shape : (K, C, kh, kw) of the weight tensor.
    block_index : int32[K / B, K'], the kept blocks of each block-row, ascending.
    values : int8[K / B, K', B, B / M, N], the non-zeros of every kept block, row and group in ascending
        order of their places; slots left over come last and hold 0.
    group_index : uint8 of the same shape, the place of each value in its group; 0 in slots left over.
    """

    n: int
    m: int
    block: int
    shape: tuple[int, int, int, int]
    block_index: np.ndarray
    values: np.ndarray
    group_index: np.ndarray

    @property
    def pattern(self) -> Pattern:
        """The pattern that the format spells out."""
        mask = np.zeros(block_grid(self.shape, self.block), np.bool_)
        np.put_along_axis(mask, self.block_index.astype(np.int64), True, axis=1)
        return Pattern(n=self.n, m=self.m, block=self.block, block_mask=mask)


def encode(weight: np.ndarray, pattern: Pattern) -> HybridMatrix:
    """Put a weight tensor into the hybrid format.

    Parameters
    ----------
    weight : int8[K, C, kh, kw]; of a grouped layer, first `crisp_golden.format.weight_matrix.expand_groups`.

    Raises
    ------
    PatternError : the tensor does not have the pattern.
    """
    check_structure(weight, pattern)
    block_rows, kept = len(pattern.block_mask), int(pattern.block_mask[0].sum())
    block_index = np.nonzero(pattern.block_mask)[1].reshape(block_rows, kept)
    blocks = _blocks(weight_matrix(weight, pattern.block), pattern.block)
    groups = np.take_along_axis(blocks, block_index[:, :, None, None], axis=1).reshape(-1, pattern.m)
    values, group_index = _pack_groups(groups, pattern.n)
    shape = (block_rows, kept, pattern.block, pattern.block // pattern.m, pattern.n)
    return HybridMatrix(
        n=pattern.n,
        m=pattern.m,
        block=pattern.block,
        shape=weight.shape,
        block_index=block_index.astype(np.int32),
        values=values.reshape(shape),
        group_index=group_index.reshape(shape),
    )


def decode(matrix: HybridMatrix) -> np.ndarray:
    """The weight tensor int8[K, C, kh, kw] of a matrix in the hybrid format."""
    block_rows, block_columns = block_grid(matrix.shape, matrix.block)
    groups = _unpack_groups(
        matrix.values.reshape(-1, matrix.n), matrix.group_index.reshape(-1, matrix.n), matrix.m
    )
    blocks = np.zeros((block_rows, block_columns, matrix.block, matrix.block), np.int8)
    kept = groups.reshape(*matrix.block_index.shape, matrix.block, matrix.block)
    blocks[np.arange(block_rows)[:, None], matrix.block_index] = kept
    dense = blocks.transpose(0, 2, 1, 3).reshape(block_rows * matrix.block, -1)
    return weight_from_matrix(dense, matrix.shape)


def _blocks(matrix: np.ndarray, block: int) -> np.ndarray:
    """[Kp, Rp] as [Kp / B, Rp / B, B, B]."""
    rows, columns = matrix.shape
    return matrix.reshape(rows // block, block, columns // block, block).transpose(0, 2, 1, 3)


def _pack_groups(groups: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """int8[G, M] as values int8[G, N] and their places uint8[G, N]."""
    values = np.zeros((len(groups), n), np.int8)
    places = np.zeros((len(groups), n), np.uint8)
    used = np.zeros(len(groups), np.intp)
    for place, column in enumerate(groups.T):
        hit = np.flatnonzero(column)
        values[hit, used[hit]] = column[hit]
        places[hit, used[hit]] = place
        used[hit] += 1
    return values, places


def _unpack_groups(values: np.ndarray, places: np.ndarray, m: int) -> np.ndarray:
    """Inverse of `_pack_groups`."""
    groups = np.zeros((len(values), m), np.int8)
    for value, place in zip(values.T, places.T, strict=True):
        hit = np.flatnonzero(value)
        groups[hit, place[hit]] = value[hit]
    return groups
