from .errors import MaskError, PruneError, SaliencyError, SamplesError, UnreachableSparsityError
from .layers.classifier import restrict_classifier
from .layers.computed_weights import computed_sparsity
from .masks.mask_file import load_masks, save_masks
from .methods.registry import Run, Selection, register_run, register_selection
from .pattern.floors import BlockFloor, Floor
from .run.progress import PruneProgress
from .run.pruner import prune_for_classes
from .run.report import IterationReport, LayerReport, PruneReport, PruneResult
from .settings.fine_tuning_settings import Augmentation, Distillation, FineTuning
from .settings.layer_choice import LayerChoice
from .settings.layer_rules import LayerRule
from .settings.masked_pruning import LayerScoring, MaskedPruning, Masking, Scoring, SparsePruning
from .settings.methods import (
    BlockPruning,
    ChannelPruning,
    CrispPruning,
    DenseFineTuning,
    NMPruning,
    ReferencePruning,
    UnstructuredPruning,
)
from .settings.prune_settings import (
    PruneSettings,
    known_settings,
    prune_methods,
    settings_from_json,
    settings_of,
)
from .sparsifier.sparsifier import CrispSparsifier
from .tuning.dense_fine_tuning import fine_tune_dense
from .tuning.samples import ClassSamples, choose_samples

__all__ = [
    "Augmentation",
    "BlockFloor",
    "BlockPruning",
    "ChannelPruning",
    "ClassSamples",
    "CrispPruning",
    "CrispSparsifier",
    "DenseFineTuning",
    "Distillation",
    "FineTuning",
    "Floor",
    "IterationReport",
    "LayerChoice",
    "LayerReport",
    "LayerRule",
    "LayerScoring",
    "MaskError",
    "MaskedPruning",
    "Masking",
    "NMPruning",
    "PruneError",
    "PruneProgress",
    "PruneReport",
    "PruneResult",
    "PruneSettings",
    "ReferencePruning",
    "Run",
    "SaliencyError",
    "SamplesError",
    "Scoring",
    "Selection",
    "SparsePruning",
    "UnreachableSparsityError",
    "UnstructuredPruning",
    "choose_samples",
    "computed_sparsity",
    "fine_tune_dense",
    "known_settings",
    "load_masks",
    "prune_for_classes",
    "prune_methods",
    "register_run",
    "register_selection",
    "restrict_classifier",
    "save_masks",
    "settings_from_json",
    "settings_of",
]
