"""CRISP's choice of weights: N:M inside blocks, and blocks by rank-columns over all layers."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from crisp_sw.prune.masks.masked_layer import MaskedLayer
from crisp_sw.prune.methods.registry import register_selection
from crisp_sw.prune.pattern.nm_masks import block_capacity, fine_mask
from crisp_sw.prune.pattern.rank_columns import LayerBlocks, prune_rank_columns, reachable_sparsity
from crisp_sw.prune.pattern.reachable_sparsity import require_reachable
from crisp_sw.prune.settings.methods import BlockPruning, CrispPruning, NMPruning, RankScore


class HybridSelection:
    """Chooses the N most salient of every M, scores blocks by what survives, and prunes rank-columns.

    CRISP, DATE 2024, section III. With n = m it prunes blocks only; with floors of all blocks, N:M only.

    Parameters
    ----------
    layers : by name.
    rank_score : how rank-columns of different layers compare.
    monotone : whether weights that N:M pruned never come back.
    """

    def __init__(
        self, layers: Mapping[str, MaskedLayer], *, rank_score: RankScore = "mean", monotone: bool = False
    ):
        self._layers, self._monotone = layers, monotone
        self._rank_score: RankScore = rank_score
        self._capacity = {
            name: block_capacity(layer.layer.grid, n=layer.layer.n, m=layer.layer.m)
            for name, layer in layers.items()
        }

    def require_reachable(self, sparsity: float) -> None:
        """Raise UnreachableSparsityError, naming the nearest, unless any saliency allows ``sparsity``."""
        blocks = {
            name: self._blocks(name, torch.zeros_like(capacity, dtype=torch.float64))
            for name, capacity in self._capacity.items()
        }

        def reachable(target: float) -> float:
            floors = {name: layer.layer.least_blocks_for(target) for name, layer in self._layers.items()}
            return reachable_sparsity(
                {name: replace(layer, floor=floors[name]) for name, layer in blocks.items()}
            )

        require_reachable(
            sparsity,
            reachable,
            why="with every layer at its floor; expected at most that, or lower floors or a smaller n",
        )

    @property
    def start_sparsity(self) -> float:
        """Sparsity that N:M alone reaches; short groups at the edges keep more of their weights."""
        kept = sum(int(capacity.sum()) for capacity in self._capacity.values())
        return 1 - kept / sum(layer.weights for layer in self._layers.values())

    def select(self, saliency: Mapping[str, Tensor], sparsity: float) -> None:
        """Set all masks; pruned blocks stay pruned, and N:M choices move where the settings allow it."""
        fine = {name: self._fine(layer, saliency[name]) for name, layer in self._layers.items()}
        blocks = {
            name: self._blocks(name, layer.layer.grid.block_sums(saliency[name] * fine[name]))
            for name, layer in self._layers.items()
        }
        kept = prune_rank_columns(blocks, sparsity=sparsity, rank_score=self._rank_score)
        for name, layer in self._layers.items():
            layer.set_mask(fine[name] & layer.layer.grid.spread(kept[name], fine[name].shape))

    def _fine(self, layer: MaskedLayer, saliency: Tensor) -> Tensor:
        if self._monotone:
            # Below every real saliency, so that a pruned weight never takes the place of a kept one.
            saliency = saliency.masked_fill(~layer.mask, -0.5)
        return fine_mask(saliency, layer.layer.grid, n=layer.layer.n, m=layer.layer.m)

    def _blocks(self, name: str, scores: Tensor) -> LayerBlocks:
        layer = self._layers[name]
        return LayerBlocks(
            weights=layer.weights,
            scores=scores,
            capacity=self._capacity[name],
            kept=layer.kept_blocks,
            floor=layer.layer.least_blocks,
        )


@register_selection(CrispPruning)
def _crisp(layers: Mapping[str, MaskedLayer], settings: CrispPruning) -> HybridSelection:
    monotone = settings.nm_choice == "monotone"
    return HybridSelection(layers, rank_score=settings.rank_score, monotone=monotone)


@register_selection(NMPruning)
def _nm(layers: Mapping[str, MaskedLayer], settings: NMPruning) -> HybridSelection:
    return HybridSelection(layers, monotone=settings.nm_choice == "monotone")


@register_selection(BlockPruning)
def _block(layers: Mapping[str, MaskedLayer], settings: BlockPruning) -> HybridSelection:
    return HybridSelection(layers, rank_score=settings.rank_score)
