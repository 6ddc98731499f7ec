"""One layer under pruning: its mask, and the pattern and figures that result."""

from functools import partial

import torch
from torch import Tensor, nn

from crisp_golden.arithmetic.network import Pattern
from crisp_sw.prune.layers.prunable_layers import PrunableLayer
from crisp_sw.prune.masks.masking import HybridMask, dense_weight
from crisp_sw.prune.pattern.enclosing_pattern import enclosing_pattern
from crisp_sw.prune.pattern.nm_masks import magnitude_choice
from crisp_sw.prune.run.report import LayerReport
from crisp_sw.prune.settings.masked_pruning import MaskedPruning


def mask_for(layer: PrunableLayer, settings: MaskedPruning) -> HybridMask:
    """Return a mask that keeps all weights of ``layer``, and is not on it yet."""
    every_step = settings.chooses_every_step and layer.equal_rows and layer.n < layer.m
    return HybridMask(
        torch.ones_like(layer.module.weight, dtype=torch.bool),
        gradient=settings.masking.gradient,
        decay=settings.masking.sr_ste_decay,
        choose=partial(magnitude_choice, grid=layer.grid, n=layer.n, m=layer.m) if every_step else None,
    )


class MaskedLayer:
    """A prunable layer whose weight a mask parametrizes. The mask is all there is to its state.

    Parameters
    ----------
    layer : as selected.
    parametrization : on the weight of ``layer.module``, or made to be put there.
    """

    def __init__(self, layer: PrunableLayer, parametrization: HybridMask):
        self.name, self.layer = layer.name, layer
        self.parametrization = parametrization

    @property
    def weight(self) -> nn.Parameter:
        """The dense weight under the mask."""
        return dense_weight(self.layer.module)

    @property
    def mask(self) -> Tensor:
        """Which weights stay, bool in the shape of the weight: a copy on the CPU."""
        return self.parametrization.mask.to("cpu", copy=True)

    def set_mask(self, mask: Tensor) -> None:
        """Install a new mask; its values are copied."""
        self.parametrization.mask.copy_(mask)

    def freeze(self, frozen: bool = True) -> None:
        """Stop gradients to masked weights, as the mask is final; or let them flow again."""
        self.parametrization.frozen = frozen

    def new_gradient(self, scale: float = 1.0) -> Tensor | None:
        """Return dL/dw of the dense weight since the last call, float32, if the mask records gradients.

        None if none arrived.

        Parameters
        ----------
        scale : that the loss was multiplied by.
        """
        record = self.parametrization.record
        gradient = None if record is None else record.take(self.weight)
        return None if gradient is None else self.parametrization.loss_gradient(self.weight, gradient) / scale

    @property
    def kept_blocks(self) -> Tensor:
        """Blocks with any weight left, bool[block_rows, block_columns]."""
        return self.layer.grid.block_sums(self.parametrization.mask).cpu() > 0

    @property
    def weights(self) -> int:
        """Weights of the dense layer."""
        return self.layer.grid.weights

    @property
    def kept_weights(self) -> int:
        """Weights that the mask keeps."""
        return int(self.parametrization.mask.sum())

    def pattern(self) -> Pattern:
        """Return the tightest pattern of the hardware that the mask fits; block-diagonal for grouped layers.

        For the hybrid pattern in tap-major order that is the pattern itself.
        """
        return enclosing_pattern(self.mask, self.layer.hardware_grid, self.layer.m)

    def report(self) -> LayerReport:
        """Return the layer's figures."""
        kept = self.kept_blocks
        rows = kept.sum(1)
        return LayerReport(
            name=self.name,
            weights=self.weights,
            kept_weights=self.kept_weights,
            kept_blocks=int(kept.sum()),
            total_blocks=kept.numel(),
            kept_per_row=int(rows.max()),
            blocks_per_row=kept.shape[1],
        )


def sparsity_of(layers: list[MaskedLayer]) -> float:
    """Return the share of the weights of ``layers`` that their masks prune."""
    return 1 - sum(layer.kept_weights for layer in layers) / sum(layer.weights for layer in layers)
