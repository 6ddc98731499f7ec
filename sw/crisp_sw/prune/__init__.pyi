from .errors import MaskError, PruneError, SaliencyError, SamplesError, UnreachableSparsityError
from .layers.classifier import restrict_classifier
from .layers.computed_weights import computed_sparsity
from .masks.mask_file import load_masks, save_masks
from .run.progress import PruneProgress
from .run.pruner import prune_for_classes
from .run.report import IterationReport, LayerReport, PruneReport, PruneResult
from .settings.rules import LayerRule
from .settings.settings import PruneSettings
from .sparsifier.sparsifier import CrispSparsifier
from .tuning.dense import fine_tune_dense
from .tuning.samples import ClassSamples, choose_samples

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
