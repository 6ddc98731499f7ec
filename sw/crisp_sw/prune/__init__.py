"""The CRISP pruner: class-aware hybrid sparsity, blocks and N:M, for models of Conv2d and Linear layers."""

from crisp_sw.prune.classifier import restrict_classifier
from crisp_sw.prune.computed_weights import computed_sparsity
from crisp_sw.prune.dense import fine_tune_dense
from crisp_sw.prune.errors import MaskError, PruneError, SaliencyError, SamplesError, UnreachableSparsityError
from crisp_sw.prune.mask_file import load_masks, save_masks
from crisp_sw.prune.progress import PruneProgress
from crisp_sw.prune.pruner import prune_for_classes
from crisp_sw.prune.report import IterationReport, LayerReport, PruneReport, PruneResult
from crisp_sw.prune.rules import LayerRule
from crisp_sw.prune.samples import ClassSamples, choose_samples
from crisp_sw.prune.settings import PruneSettings
from crisp_sw.prune.sparsifier import CrispSparsifier

__all__ = [
    "ClassSamples",
    "CrispSparsifier",
    "IterationReport",
    "LayerReport",
    "LayerRule",
    "MaskError",
    "PruneError",
    "PruneProgress",
    "PruneReport",
    "PruneResult",
    "PruneSettings",
    "SaliencyError",
    "SamplesError",
    "UnreachableSparsityError",
    "choose_samples",
    "computed_sparsity",
    "fine_tune_dense",
    "load_masks",
    "prune_for_classes",
    "restrict_classifier",
    "save_masks",
]
