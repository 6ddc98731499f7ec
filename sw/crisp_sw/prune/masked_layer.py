"""One layer under pruning: its mask, its blocks, and the pattern and figures that result."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from crisp_golden.network import Pattern
from crisp_sw.prune.fine import block_capacity, fine_mask
from crisp_sw.prune.layers import PrunableLayer
from crisp_sw.prune.masking import attach_mask, dense_weight
from crisp_sw.prune.rank_columns import LayerBlocks
from crisp_sw.prune.report import LayerReport
from crisp_sw.prune.settings import PruneSettings


class MaskedLayer:
    """A prunable layer with an all-kept mask, which pruning steps then shrink.

    A step calls :meth:`score`, has the blocks of all layers pruned together, and calls :meth:`keep`.

    Attributes
    ----------
    name : of the layer in the model.
    blocks : what is kept so far, with the scores of the last step.
    """

    def __init__(self, layer: PrunableLayer, settings: PruneSettings):
        self.name = layer.name
        self._module, self._grid = layer.module, layer.grid
        self._n, self._m = settings.n, settings.m
        self._mask = attach_mask(layer.module)
        self._fine = torch.ones_like(self._mask.mask, device="cpu")
        capacity = block_capacity(layer.grid, n=settings.n, m=settings.m)
        self.blocks = LayerBlocks(
            weights=layer.grid.weights,
            scores=torch.zeros(capacity.shape, dtype=torch.float64),
            capacity=capacity,
            kept=torch.ones_like(capacity, dtype=torch.bool),
            floor=layer.floor,
        )

    @property
    def weight(self) -> nn.Parameter:
        """The dense weight under the mask."""
        return dense_weight(self._module)

    def score(self, saliency: Tensor) -> None:
        """Choose the N:M mask by ``saliency`` and score each block by what survives it."""
        self._fine = fine_mask(saliency, self._grid, n=self._n, m=self._m)
        self.blocks = replace(self.blocks, scores=self._grid.block_sums(saliency * self._fine))

    def keep(self, block_mask: Tensor) -> None:
        """Mask all weights but those that ``block_mask`` and the N:M choice both keep."""
        self.blocks = replace(self.blocks, kept=block_mask)
        self._mask.mask.copy_(self._fine & self._grid.spread(block_mask, self._fine.shape))

    def freeze(self) -> None:
        """Stop gradients to masked weights: the mask is final."""
        self._mask.frozen = True

    def pattern(self) -> Pattern:
        """Return the pattern that the masked weight has; block-diagonal for grouped layers."""
        block_mask = self._grid.block_diagonal(self.blocks.kept).numpy()
        return Pattern(n=self._n, m=self._m, block=self._grid.block, block_mask=block_mask)

    def report(self) -> LayerReport:
        """Return the layer's figures."""
        blocks = self.blocks
        return LayerReport(
            name=self.name,
            weights=blocks.weights,
            kept_weights=blocks.kept_weights,
            kept_blocks=int(blocks.kept.sum()),
            total_blocks=blocks.kept.numel(),
            kept_per_row=blocks.kept_per_row,
            blocks_per_row=blocks.kept.shape[1],
        )
