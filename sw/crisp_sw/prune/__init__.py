"""The CRISP pruner: class-aware hybrid sparsity, blocks and N:M, for models of Conv2d and Linear layers."""

from crisp_sw.prune.classifier import restrict_classifier
from crisp_sw.prune.dense import fine_tune_dense
from crisp_sw.prune.errors import PruneError, SaliencyError, SamplesError, UnreachableSparsityError
from crisp_sw.prune.progress import PruneProgress
from crisp_sw.prune.pruner import prune_for_classes
from crisp_sw.prune.report import IterationReport, LayerReport, PruneReport, PruneResult
from crisp_sw.prune.rules import LayerRule
from crisp_sw.prune.samples import ClassSamples, choose_samples
from crisp_sw.prune.settings import PruneSettings

__all__ = [
    "ClassSamples",
    "IterationReport",
    "LayerReport",
    "LayerRule",
    "PruneError",
    "PruneProgress",
    "PruneReport",
    "PruneResult",
    "PruneSettings",
    "SaliencyError",
    "SamplesError",
    "UnreachableSparsityError",
    "choose_samples",
    "fine_tune_dense",
    "prune_for_classes",
    "restrict_classifier",
]
