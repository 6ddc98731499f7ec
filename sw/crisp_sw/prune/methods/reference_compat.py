"""Pruning as the code that CRISP's authors published really does it, to measure what the differences cost.

Read from that code (``main.py``), with W the dense weight, g the accumulated absolute gradient, and both
masks as they stand. Its matrix is the flattened OIHW weight ``W[K, C * taps]``, cut into B x B blocks.

1. A block's score is the sum of ``|W^2 * g|`` over its weights: the weight enters once with each mask.
2. The scores are listed *column by column* of blocks, then read as if they were listed row by row. So the
   "rows" that are sorted, and the places of the blocks in them, are not those of the matrix.
3. Rank-columns of all layers compete by their plain sums. The threshold is the score of the lowest one that
   should stay, and only *larger* scores do stay: one rank-column too many goes (and all that tie with it).
4. The mask is applied row by row, and multiplied with the old one. A block that is pruned already scores 0,
   but at another place, so other blocks go in its row: block-rows end with different numbers of blocks.
5. N:M is chosen along flattened OIHW by ``|W * g|``, and multiplied with the old choice.
6. Layers whose K or C * taps is no multiple of B, and the classifier, get N:M only. There are no floors.

Its loop takes the share of rank-columns to prune as the target. Here the smallest number of rank-columns is
taken with which the masks, as they come out, reach the target sparsity; then the one too many goes as well.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from crisp_sw.prune.masks.masked_layer import MaskedLayer
from crisp_sw.prune.methods.registry import register_selection
from crisp_sw.prune.pattern.nm_masks import block_capacity, fine_mask
from crisp_sw.prune.pattern.reachable_sparsity import require_reachable
from crisp_sw.prune.settings.methods import ReferencePruning


@register_selection(ReferencePruning)
class ReferenceSelection:
    """Chooses masks as the published code does."""

    def __init__(self, layers: Mapping[str, MaskedLayer], settings: ReferencePruning):
        self._layers = layers
        self._weights = sum(layer.weights for layer in layers.values())
        self._blocked = {name: layer for name, layer in layers.items() if _gets_blocks(layer)}

    def require_reachable(self, sparsity: float) -> None:
        """Raise UnreachableSparsityError if pruning all blocks of the layers that have them is too little."""
        fine_only = [layer for name, layer in self._layers.items() if name not in self._blocked]
        reachable = 1 - sum(_fine_capacity(layer) for layer in fine_only) / self._weights
        require_reachable(
            sparsity,
            lambda target: reachable,
            why="as layers whose sizes are no multiples of `block` get N:M only; expected at most that, or a "
            "smaller `block`",
        )

    @property
    def start_sparsity(self) -> float:
        """Sparsity that N:M alone reaches."""
        return 1 - sum(_fine_capacity(layer) for layer in self._layers.values()) / self._weights

    def select(self, saliency: Mapping[str, Tensor], sparsity: float) -> None:
        """Set all masks: blocks first, then N:M."""
        blocks = self._select_blocks(saliency, sparsity) if self._blocked else {}
        for name, layer in self._layers.items():
            mask = layer.mask
            block_mask = blocks[name] if name in blocks else torch.ones_like(mask)
            grid = layer.layer.grid
            # Weights that either mask pruned have no gradient there, hence no score.
            fine = fine_mask(saliency[name] * mask * block_mask, grid, n=layer.layer.n, m=layer.layer.m)
            layer.set_mask(mask & block_mask & fine)

    def _select_blocks(self, saliency: Mapping[str, Tensor], sparsity: float) -> dict[str, Tensor]:
        scores, places = {}, {}
        for name, layer in self._blocked.items():
            weight = layer.weight.detach().cpu().abs()
            sums = layer.layer.grid.block_sums(weight * saliency[name] * layer.mask)
            # Column by column, read row by row.
            scores[name], places[name] = sums.T.reshape(sums.shape).sort(dim=1, stable=True)
        pooled = torch.cat([ranks.sum(0) for ranks in scores.values()])
        ascending = pooled.sort(stable=True).values

        def kept_at(threshold: float) -> dict[str, Tensor]:
            return {
                name: torch.zeros_like(ranks, dtype=torch.bool).scatter_(
                    1, places[name], (ranks.sum(0) > threshold).expand_as(ranks)
                )
                for name, ranks in scores.items()
            }

        count = self._columns_needed(ascending, kept_at, sparsity)
        # The lowest rank-column that should stay is the threshold, and goes too.
        kept = kept_at(float(ascending[min(count, len(ascending) - 1)]))
        return {
            name: layer.layer.grid.spread(kept[name], layer.mask.shape)
            for name, layer in self._blocked.items()
        }

    def _columns_needed(
        self, ascending: Tensor, kept_at: Callable[[float], dict[str, Tensor]], sparsity: float
    ) -> int:
        """Return the least number of rank-columns to prune; halving finds it, as more prune more blocks."""
        allowed = self._weights * (1 - sparsity) + 1e-6

        def reaches(count: int) -> bool:
            return self._kept_weights(kept_at(float(ascending[count - 1]) if count else -1.0)) <= allowed

        return bisect_left(range(len(ascending)), True, key=reaches)

    def _kept_weights(self, kept: Mapping[str, Tensor]) -> int:
        total = 0
        for name, layer in self._layers.items():
            if name in kept:
                grid = layer.layer.grid
                blocks = int((kept[name] & layer.kept_blocks).sum())
                total += blocks * grid.block**2 * layer.layer.n // layer.layer.m
            else:
                total += _fine_capacity(layer)
        return total


def _gets_blocks(layer: MaskedLayer) -> bool:
    grid = layer.layer.grid
    divides = grid.out_channels % grid.block == 0 and grid.in_channels % grid.block == 0
    return divides and not layer.layer.is_classifier


def _fine_capacity(layer: MaskedLayer) -> int:
    return int(block_capacity(layer.layer.grid, n=layer.layer.n, m=layer.layer.m).sum())
