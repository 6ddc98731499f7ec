"""The unstructured baseline: the least salient weights of all layers go, wherever they are."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from crisp_sw.prune.masks.masked_layer import MaskedLayer
from crisp_sw.prune.methods.registry import register_selection
from crisp_sw.prune.pattern.reachable_sparsity import require_reachable
from crisp_sw.prune.settings.methods import UnstructuredPruning


@register_selection(UnstructuredPruning)
class UnstructuredSelection:
    """Keeps the globally most salient weights (Lee et al. 2019, "SNIP", on the user's samples).

    Each layer keeps its most salient weights up to its floor: the share of
    :meth:`crisp_sw.prune.pattern.floors.Floor.share`, rounded up; or down, but to no less than 1, where all
    layers rounded up would keep too many. With ``nm_choice`` "monotone", pruned weights never come back.
    """

    start_sparsity = 0.0

    def __init__(self, layers: Mapping[str, MaskedLayer], settings: UnstructuredPruning):
        self._layers, self._monotone = layers, settings.nm_choice == "monotone"
        self._weights = sum(layer.weights for layer in layers.values())
        self._floors = self._floors_for(settings.sparsity)

    def require_reachable(self, sparsity: float) -> None:
        """Raise UnreachableSparsityError, naming the nearest, unless the floors allow ``sparsity``."""
        require_reachable(
            sparsity,
            lambda target: 1 - sum(self._floors_for(target).values()) / self._weights,
            why="with every layer at its floor; expected at most that, or a lower `min_kept_share`",
        )

    def select(self, saliency: Mapping[str, Tensor], sparsity: float) -> None:
        """Set all masks to keep ``1 - sparsity`` of the weights, rounded down; of equal ones, the first.

        Fewer stay where more are pruned already and the choice is "monotone".
        """
        scores = torch.cat([self._scores(layer, saliency[name]) for name, layer in self._layers.items()])
        kept = torch.zeros(len(scores), dtype=torch.bool)
        kept[scores.argsort(descending=True, stable=True)[: self._to_keep(sparsity)]] = True
        parts = kept.split([layer.weights for layer in self._layers.values()])
        for layer, part in zip(self._layers.values(), parts, strict=True):
            mask = part.reshape(layer.weight.shape)
            layer.set_mask(mask & layer.mask if self._monotone else mask)

    def _floors_for(self, sparsity: float) -> dict[str, int]:
        shares = {
            name: layer.weights * layer.layer.floor.share(sparsity=sparsity, density=1.0)
            for name, layer in self._layers.items()
        }
        floors = {name: math.ceil(share - 1e-6) for name, share in shares.items()}
        if sum(floors.values()) <= self._to_keep(sparsity):
            return floors
        return {name: max(min(1, floors[name]), math.floor(share + 1e-6)) for name, share in shares.items()}

    def _to_keep(self, sparsity: float) -> int:
        # The small term keeps 0.9 of 1000 weights from keeping 99.
        return math.floor(self._weights * (1 - sparsity) + 1e-6)

    def _scores(self, layer: MaskedLayer, saliency: Tensor) -> Tensor:
        if self._monotone:
            saliency = saliency.masked_fill(~layer.mask, -1.0)
        scores = saliency.flatten().clone()
        # The weights of the floor come before all others.
        top = scores.argsort(descending=True, stable=True)[: self._floors[layer.name]]
        scores[top] = torch.inf
        return scores
