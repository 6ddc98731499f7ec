"""What a pruning run did, as data."""

from dataclasses import asdict, dataclass
from typing import Any, Self

from torch import nn

from crisp_golden.arithmetic.network import Pattern
from crisp_sw.prune.layers.never_pruned import other_layers
from crisp_sw.prune.settings.prune_settings import PruneSettings
from crisp_sw.prune.tuning.fine_tuning import EpochStatistics


@dataclass(frozen=True, kw_only=True)
class LayerReport:
    """Weights and blocks of one layer.

    Attributes
    ----------
    dense_reason : why the layer was not pruned; None for a pruned one, whose block figures are then set.
    kept_blocks, total_blocks : of the layer's own matrix (one group's channels wide for grouped layers).
    kept_per_row : the same for every block-row; the most of any where the method does not keep them equal.
    blocks_per_row : of the matrix.
    """

    name: str
    weights: int
    kept_weights: int
    dense_reason: str | None = None
    kept_blocks: int | None = None
    total_blocks: int | None = None
    kept_per_row: int | None = None
    blocks_per_row: int | None = None

    @classmethod
    def dense(cls, name: str, weights: int, reason: str) -> Self:
        """Return the report of a layer that was not pruned."""
        return cls(name=name, weights=weights, kept_weights=weights, dense_reason=reason)

    @property
    def sparsity(self) -> float:
        """Share of the weights that went."""
        return 1 - self.kept_weights / self.weights


def dense_reports(model: nn.Module, *, reason: str) -> tuple[LayerReport, ...]:
    """Return the reports of all layers with weights of a model that was not pruned."""
    others = other_layers(model)
    reports = []
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            reports.append(LayerReport.dense(name, module.weight.numel(), reason))
        elif name in others:
            reports.append(LayerReport.dense(name, others[name].weights, reason))
    return tuple(reports)


@dataclass(frozen=True, kw_only=True)
class IterationReport:
    """One pruning step: the sparsity aimed at and reached, and the last epoch of training after it."""

    target: float
    sparsity: float
    loss: float | None
    accuracy: float | None

    @classmethod
    def of(cls, target: float, sparsity: float, last_epoch: EpochStatistics | None) -> Self:
        """Return the report of a step; None for the epoch where none was trained."""
        if last_epoch is None:
            return cls(target=target, sparsity=sparsity, loss=None, accuracy=None)
        return cls(target=target, sparsity=sparsity, loss=last_epoch.loss, accuracy=last_epoch.accuracy)


@dataclass(frozen=True, kw_only=True)
class PruneReport:
    """Figures of a whole run.

    Attributes
    ----------
    layers : every layer with weights, in the model's order.
    iterations : the pruning steps, in order.
    """

    settings: PruneSettings
    layers: tuple[LayerReport, ...]
    iterations: tuple[IterationReport, ...]

    @property
    def sparsity(self) -> float:
        """Share of the pruned layers' weights that went, what the target speaks of; 0 without any."""
        pruned = [layer for layer in self.layers if layer.dense_reason is None]
        if not pruned:
            return 0.0
        return 1 - sum(layer.kept_weights for layer in pruned) / sum(layer.weights for layer in pruned)

    @property
    def model_sparsity(self) -> float:
        """Share that went of the weights of all layers, dense ones included."""
        return 1 - sum(layer.kept_weights for layer in self.layers) / sum(
            layer.weights for layer in self.layers
        )

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return {
            "settings": self.settings.to_json(),
            "sparsity": self.sparsity,
            "model_sparsity": self.model_sparsity,
            "layers": [{**asdict(layer), "sparsity": layer.sparsity} for layer in self.layers],
            "iterations": [asdict(iteration) for iteration in self.iterations],
        }


@dataclass(frozen=True, kw_only=True)
class PruneResult:
    """A pruned model and what is known about it.

    Attributes
    ----------
    model : a plain module in inference mode; the weights that went are exactly 0.
    patterns : the pattern of each pruned layer, by the layer's name.
    report : the figures.
    """

    model: nn.Module
    patterns: dict[str, Pattern]
    report: PruneReport
