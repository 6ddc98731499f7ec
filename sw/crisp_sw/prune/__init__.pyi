from .classifier import restrict_classifier
from .computed_weights import computed_sparsity
from .dense import fine_tune_dense
from .errors import MaskError, PruneError, SaliencyError, SamplesError, UnreachableSparsityError
from .mask_file import load_masks, save_masks
from .progress import PruneProgress
from .pruner import prune_for_classes
from .report import IterationReport, LayerReport, PruneReport, PruneResult
from .rules import LayerRule
from .samples import ClassSamples, choose_samples
from .settings import PruneSettings
from .sparsifier import CrispSparsifier

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
