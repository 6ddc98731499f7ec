"""Hybrid masks by magnitude: the largest weights of each M-group, the heaviest blocks of each block-row."""

import numpy as np
import torch
from torch import Tensor

from crisp_golden.arithmetic.network import Pattern
from crisp_sw.prune.pattern.block_grid import BlockGrid
from crisp_sw.prune.pattern.nm_masks import fine_mask
from crisp_sw.synthetic.sparsity_rules import LayerSparsity

# Weights masked at a time; the indices that sorting makes take ten times their memory.
PART_ELEMENTS = 1 << 23


def hybrid_mask(weight: Tensor, sparsity: LayerSparsity) -> tuple[Tensor, Pattern]:
    """Choose what an ungrouped layer keeps.

    Every M-group keeps its N largest weights; then every block-row keeps the same number of blocks, those in
    which the magnitudes that are left add up to most. Equal blocks keep the lower column.

    Parameters
    ----------
    weight : float[K, C, kh, kw].

    Returns
    -------
    bool[K, C, kh, kw], True is kept; and the pattern that the masked weight has.
    """
    channels = weight[0].numel()
    rows = max(1, PART_ELEMENTS // (channels * sparsity.block)) * sparsity.block
    masks, block_masks = zip(*(_mask_rows(part, sparsity) for part in weight.split(rows)), strict=True)
    block_mask = torch.cat(block_masks).numpy().astype(np.bool_)
    pattern = Pattern(n=sparsity.n, m=sparsity.m, block=sparsity.block, block_mask=block_mask)
    return torch.cat(masks), pattern


def _mask_rows(weight: Tensor, sparsity: LayerSparsity) -> tuple[Tensor, Tensor]:
    """Mask of some block-rows of a weight, and their kept blocks."""
    out_channels, in_channels, kh, kw = weight.shape
    grid = BlockGrid(out_channels=out_channels, in_channels=in_channels, taps=kh * kw, block=sparsity.block)
    magnitude = weight.abs()
    fine = fine_mask(magnitude, grid, n=sparsity.n, m=sparsity.m)
    scores = grid.block_sums(magnitude * fine)
    kept = scores.argsort(dim=1, descending=True, stable=True)
    kept = kept[:, : sparsity.kept_blocks(in_channels, kh * kw)]
    block_mask = torch.zeros_like(scores, dtype=torch.bool).scatter_(1, kept, True)
    return fine & grid.spread(block_mask, weight.shape), block_mask
