"""Finds the hybrid pattern that a weight tensor has, if any: N, the block's edge and the kept blocks."""

from collections.abc import Sequence

import numpy as np

from crisp_golden.arithmetic.network import Pattern
from crisp_golden.format.pattern import check_structure
from crisp_golden.format.sizes import hybrid_size
from crisp_golden.format.weight_matrix import equal_block_rows, expand_groups, weight_matrix

BLOCKS = (64, 32, 16, 8, 4)
MOST_WEIGHTS = 1 << 27
"""Of a block-diagonal matrix; grouped layers of ten thousand channels are a hundred times as large."""


def find_pattern(
    weight: np.ndarray, groups: int = 1, *, m: int = 4, blocks: Sequence[int] = BLOCKS
) -> Pattern | None:
    """The pattern in whose format a weight takes the fewest bytes; the first of ``blocks`` among equals.

    A block-row with fewer non-zero blocks than the fullest one keeps some zero blocks too, because all must
    keep equally many.

    Parameters
    ----------
    weight : int8[K, C / groups, kh, kw].
    m : group size; edges that are no multiple of it are passed over.

    Returns
    -------
    None if no pattern takes fewer bytes than the dense weight; depthwise layers never have one, and grouped
    layers whose matrix would have more than `MOST_WEIGHTS` are not searched.
    """
    if groups > 1 and (weight.shape[1] == 1 or weight.size * groups > MOST_WEIGHTS):
        return None
    full, best, fewest = expand_groups(weight, groups), None, weight.size
    for block in blocks:
        if block % m or block > max(m, *full.shape[:2]):
            continue
        pattern = _pattern_at(full, m, block)
        size = sum(hybrid_size(pattern))
        if size < fewest:
            best, fewest = pattern, size
    if best is not None:
        check_structure(full, best)
    return best


def _pattern_at(weight: np.ndarray, m: int, block: int) -> Pattern:
    nonzero = weight_matrix(weight != 0, block)
    rows, columns = nonzero.shape
    n = int(nonzero.reshape(rows, -1, m).sum(axis=2, dtype=np.uint8).max(initial=0))
    mask = np.any(nonzero.reshape(rows // block, block, columns // block, block), axis=(1, 3))
    return Pattern(n=max(1, n), m=m, block=block, block_mask=equal_block_rows(np.asarray(mask)))
