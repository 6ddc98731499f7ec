"""Fine-grained N:M sparsity: which weights of each group of M stay."""

import torch
from torch import Tensor

from crisp_sw.prune.pattern.block_grid import BlockGrid


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
    mask = largest_of_groups(matrix.reshape(-1, m), n)
    return grid.unmatrix(mask.reshape(matrix.shape), saliency.shape)


def magnitude_choice(weight: Tensor, mask: Tensor, *, grid: BlockGrid, n: int, m: int) -> Tensor:
    """Return the mask of the largest ``abs(weight)`` by N:M inside the blocks in which ``mask`` keeps any."""
    blocks = grid.block_sums(mask) > 0
    return fine_mask(weight.abs(), grid, n=n, m=m) & grid.spread(blocks, weight.shape)


def largest_of_groups(groups: Tensor, n: int) -> Tensor:
    """Return bool[G, M], the ``n`` largest of every row of ``groups`` [G, M]; of equal ones the first.

    Counts how many of its group beat each value: for the small M of N:M patterns a fifth of a sort's time.
    """
    places = groups.T.contiguous()
    m = len(places)
    beaten = torch.zeros_like(places, dtype=torch.uint8 if m < 256 else torch.int32)
    for place in range(m):
        wins = (places[place] >= places[place + 1 :]).view(torch.uint8)
        beaten[place + 1 :] += wins
        beaten[place] += (m - 1 - place) - wins.sum(0, dtype=beaten.dtype)
    return (beaten < n).T


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
