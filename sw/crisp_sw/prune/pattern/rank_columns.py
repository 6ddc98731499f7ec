"""Coarse block sparsity: global pruning of rank-columns.

CRISP (DATE 2024, section III) sorts the blocks of each block-row by score; the r-th smallest blocks of all
block-rows of a layer form its r-th *rank-column*. Removing whole rank-columns, lowest first over all layers,
keeps equally many blocks in every block-row of a layer, which keeps the rows of the array in step.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from crisp_sw.prune.errors import MaskError, UnreachableSparsityError
from crisp_sw.prune.pattern.reachable_sparsity import rounded_down
from crisp_sw.prune.settings.methods import RankScore


@dataclass(frozen=True, kw_only=True)
class LayerBlocks:
    """One layer as the block pruner sees it.

    Attributes
    ----------
    weights : weights of the dense layer.
    scores : float64[block_rows, block_columns] >= 0, surviving saliency of each block.
    capacity : int64 in the same shape, weights that each block holds if kept.
    kept : bool in the same shape, blocks not pruned so far, equally many in every block-row.
    floor : blocks that every block-row keeps in any case.
    """

    weights: int
    scores: Tensor
    capacity: Tensor
    kept: Tensor
    floor: int

    @property
    def kept_per_row(self) -> int:
        """Blocks kept in every block-row."""
        return int(self.kept[0].sum())

    @property
    def kept_weights(self) -> int:
        """Weights in the kept blocks."""
        return int(self.capacity[self.kept].sum())

    def ranked(self) -> Tensor:
        """Return int64[block_rows, block_columns], block columns by rising score, pruned blocks first."""
        return self.scores.masked_fill(~self.kept, -1.0).argsort(dim=1, stable=True)


def row_fault(kept: Tensor) -> str | None:
    """Return what is wrong with ``kept`` if its block-rows keep different numbers of blocks, else None."""
    per_row = kept.sum(1)
    fewest, most = int(per_row.min()), int(per_row.max())
    if fewest == most:
        return None
    return f"keeps {fewest} to {most} blocks in a block-row; expected equally many in each"


def reachable_sparsity(layers: Mapping[str, LayerBlocks]) -> float:
    """Return the sparsity that pruning must reach, whatever the scores, with every layer at its floor.

    Blocks at the matrix's edge hold fewer weights; in the worst case a floor keeps the fullest ones.
    """
    total = sum(layer.weights for layer in layers.values())
    fullest = (layer.capacity.sort(dim=1, descending=True).values for layer in layers.values())
    kept = sum(
        int(full[:, : layer.floor].sum()) for full, layer in zip(fullest, layers.values(), strict=True)
    )
    return 1 - kept / total


def prune_rank_columns(
    layers: Mapping[str, LayerBlocks], *, sparsity: float, rank_score: RankScore = "mean"
) -> dict[str, Tensor]:
    """Prune the globally lowest rank-columns until ``sparsity`` is reached.

    Sparsity is ``1 - kept weights / weights`` over all ``layers``. Pruning stops with the first rank-column
    that reaches it, so the result overshoots by less than that one rank-column; it never undershoots.
    Blocks already pruned stay pruned. Equal scores go by order of the layers, then by rank; equal blocks of
    a block-row by block column.

    Parameters
    ----------
    sparsity : 0 to below 1. Nothing is pruned if it is reached already.
    rank_score : "sum" adds up a rank-column's saliency, "mean" divides that by the layer's mean number of
        weights in a rank-column. Per-weight scores remove the least saliency for a given number of weights
        (the greedy solution of that knapsack); sums favour layers with few output channels.

    Returns
    -------
    The new ``kept`` of each layer: bool[block_rows, block_columns].

    Raises
    ------
    UnreachableSparsityError : the floors keep more; the message names the sparsity they allow.
    MaskError : the block-rows of a layer keep different numbers of blocks to begin with.
    """
    for name, layer in layers.items():
        fault = row_fault(layer.kept)
        if fault is not None:
            raise MaskError(f"the mask of layer {name!r} {fault}")
    orders = {name: layer.ranked() for name, layer in layers.items()}
    scores, removed, owner = _pool(layers, orders, rank_score)
    # Pooled by layer and rank, a stable sort breaks ties in that order.
    order = scores.argsort(stable=True)
    count = _columns_to_prune(layers, removed[order], sparsity)
    pruned = torch.bincount(owner[order[:count]], minlength=len(layers))
    return {
        name: _drop_lowest(layer, orders[name], int(more))
        for (name, layer), more in zip(layers.items(), pruned, strict=True)
    }


def _pool(
    layers: Mapping[str, LayerBlocks], orders: Mapping[str, Tensor], rank_score: str
) -> tuple[Tensor, Tensor, Tensor]:
    """Return score, weights and layer number of every rank-column that may go."""
    scores, removed, owner = [], [], []
    for number, (name, layer) in enumerate(layers.items()):
        columns = layer.scores.shape[1]
        candidates = orders[name][:, columns - layer.kept_per_row : columns - layer.floor]
        norm = int(layer.capacity.sum()) / columns if rank_score == "mean" else 1
        scores.append(layer.scores.gather(1, candidates).sum(0) / norm)
        removed.append(layer.capacity.gather(1, candidates).sum(0))
        owner.append(torch.full((candidates.shape[1],), number))
    return torch.cat(scores), torch.cat(removed), torch.cat(owner)


def _columns_to_prune(layers: Mapping[str, LayerBlocks], removed: Tensor, sparsity: float) -> int:
    total = sum(layer.weights for layer in layers.values())
    kept = sum(layer.kept_weights for layer in layers.values())
    # The small term keeps 0.9 of 1000 weights from asking for one weight more than 900.
    excess = kept - math.floor(total * (1 - sparsity) + 1e-6)
    if excess <= 0:
        return 0
    if excess > int(removed.sum()):
        nearest = rounded_down(1 - (kept - int(removed.sum())) / total)
        raise UnreachableSparsityError(
            f"`sparsity` {sparsity:g} cannot be reached: the nearest is {nearest:g}, with every layer at its "
            "floor; expected at most that, or lower floors or a smaller n"
        )
    return int(torch.searchsorted(removed.cumsum(0), excess)) + 1


def _drop_lowest(layer: LayerBlocks, order: Tensor, more: int) -> Tensor:
    gone = layer.scores.shape[1] - layer.kept_per_row + more
    return torch.ones_like(layer.kept).scatter_(1, order[:, :gone], False)
