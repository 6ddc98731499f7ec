"""The pattern that the accelerator needs to run a weight with any mask."""

import torch
from torch import Tensor

from crisp_golden.arithmetic.network import Pattern
from crisp_sw.prune.pattern.block_grid import BlockGrid


def enclosing_pattern(mask: Tensor, grid: BlockGrid, m: int) -> Pattern:
    """Return the tightest hybrid pattern that holds every kept weight of ``mask``.

    N is the most weights of any group of ``m`` input channels. Blocks with a kept weight stay; block-rows
    with fewer of them get empty ones, the lowest columns first, so that all rows have equally many. For a
    mask that has the pattern, nothing is added; for another, N and the blocks show what it costs.

    Parameters
    ----------
    mask : bool, in the shape of the weight [K, C/g, kh, kw] or [K, C].
    grid : the tap-major grid of the layer; grouped layers end at block borders, or are depthwise.

    Returns
    -------
    The pattern over all input channels: block-diagonal for a grouped layer.
    """
    counts = grid.matrix(mask, fill=0).reshape(-1, m).sum(1)
    n = max(1, int(counts.max()))
    occupied = grid.block_sums(mask) > 0
    per_row = max(1, int(occupied.sum(1).max()))
    # A stable sort puts occupied blocks first, then the lowest empty ones.
    order = occupied.to(torch.uint8).argsort(dim=1, descending=True, stable=True)
    kept = torch.zeros_like(occupied).scatter_(1, order[:, :per_row], True)
    return Pattern(n=n, m=m, block=grid.block, block_mask=grid.block_diagonal(kept).numpy())
