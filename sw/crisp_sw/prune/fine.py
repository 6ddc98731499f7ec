"""Fine-grained N:M sparsity: which weights of each group of M stay."""

import torch
from torch import Tensor

from crisp_sw.prune.grid import BlockGrid


def fine_mask(saliency: Tensor, grid: BlockGrid, *, n: int, m: int) -> Tensor:
    """Keep the ``n`` most salient of every ``m`` consecutive input channels of one tap.

    Groups never straddle taps; the last group of a tap is short where C is not a multiple of ``m``, and
    loses nothing if it has at most ``n`` weights. Equal saliencies keep the lower channel.

    Parameters
    ----------
    saliency : non-negative float, in the shape of the weight: [K, C, kh, kw] or [K, C].

    Returns
    -------
    bool, in the same shape.
    """
    # Padding ranks below every real weight, so it never takes a slot from one.
    matrix = grid.matrix(saliency, fill=-1.0)
    groups = matrix.reshape(-1, m)
    kept = groups.argsort(dim=1, descending=True, stable=True)[:, :n]
    mask = torch.zeros_like(groups, dtype=torch.bool).scatter_(1, kept, True)
    return grid.unmatrix(mask.reshape(matrix.shape), saliency.shape)


def block_capacity(grid: BlockGrid, *, n: int, m: int) -> Tensor:
    """Return int64[block_rows, block_columns], the weights that a kept block holds under N:M.

    Depends on the geometry alone: every group keeps the lesser of ``n`` and its length.
    """
    starts = torch.arange(0, grid.channel_blocks * grid.block, m)
    per_group = (grid.in_channels - starts).clamp(0, m).clamp(max=n)
    per_channel_block = per_group.reshape(grid.channel_blocks, -1).sum(1)
    row_starts = torch.arange(grid.block_rows) * grid.block
    height = (grid.out_channels - row_starts).clamp(max=grid.block)
    return torch.outer(height, per_channel_block.repeat(grid.taps))
