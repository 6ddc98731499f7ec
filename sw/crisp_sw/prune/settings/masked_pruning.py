"""What the settings of methods that prune to a target have in common, and of those that do it with masks."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from crisp_sw.choices import Gradient
from crisp_sw.prune.pattern.floors import NO_FLOOR, Floor
from crisp_sw.prune.settings.prune_settings import PruneSettings
from crisp_sw.prune.settings.settings_group import SettingsGroup
from crisp_sw.prune.settings.value_checks import (
    require_block,
    require_integer,
    require_positive,
    require_real,
)

LayerNorm = Literal["none", "mean", "l2"]


@dataclass(frozen=True, kw_only=True)
class Scoring(SettingsGroup):
    """How salient a weight is.

    Parameters
    ----------
    saliency : "class-aware" (gradients on the samples), "magnitude", or "random".
    accumulation : how batches add up to a class-aware saliency, see :mod:`crisp_sw.prune.tuning.saliency`.
    saliency_samples : measure a class-aware saliency on that many of the samples; None for all.
    """

    saliency: Literal["class-aware", "magnitude", "random"] = "class-aware"
    accumulation: Literal["absolute", "signed"] = "absolute"
    saliency_samples: int | None = None

    def __post_init__(self):
        super().__post_init__()
        if self.saliency_samples is not None:
            require_integer("saliency_samples", self.saliency_samples, 1)


@dataclass(frozen=True, kw_only=True)
class LayerScoring(Scoring):
    """How salient a weight is beside those of other layers.

    Parameters
    ----------
    layer_norm : divide a layer's saliencies by their "mean" or "l2" norm.
    """

    layer_norm: LayerNorm = "none"


@dataclass(frozen=True, kw_only=True)
class Masking(SettingsGroup):
    """How a mask lies on a weight, and what reaches the weight through it.

    Parameters
    ----------
    matrix_order : the reduction runs "tap-major" (input channels of one tap are consecutive), or "oihw".
    gradient : what a masked weight receives until the mask is frozen, see
        :mod:`crisp_sw.prune.masks.masking`.
    sr_ste_decay : lambda of "sr-ste".
    """

    matrix_order: Literal["tap-major", "oihw"] = "tap-major"
    gradient: Gradient = "ste"
    sr_ste_decay: float = 2e-4

    def __post_init__(self):
        super().__post_init__()
        require_positive("sr_ste_decay", self.sr_ste_decay)

    @property
    def flattens(self) -> bool:
        """Whether the matrix that is pruned is the weight in OIHW order."""
        return self.matrix_order == "oihw"


@dataclass(frozen=True, kw_only=True)
class SparsePruning(PruneSettings):
    """Base of the methods that reach a target in steps.

    Parameters
    ----------
    sparsity : share of the prunable layers' weights that must go, 0 to below 1.
    schedule : how the target rises: "linear", "cubic" (large steps first), or "crisp" (N:M alone, then equal
        steps).
    scoring : which weights go first.
    """

    sparsity: float = 0.92
    schedule: Literal["linear", "cubic", "crisp"] = "linear"
    scoring: Scoring = field(default_factory=Scoring)

    def __post_init__(self):
        super().__post_init__()
        require_real("sparsity", self.sparsity, 0.0, 1.0, open_end=True)


@dataclass(frozen=True, kw_only=True)
class MaskedPruning(SparsePruning):
    """Base of the methods that mask weights of layers that keep their sizes.

    Parameters
    ----------
    m : length of the groups of consecutive weights of the reduction, of which the hardware's pattern keeps N.
    block : edge length B of the square blocks of the weight matrix; a multiple of ``m``.
    small_layers : what happens to layers with fewer input channels than ``block``, or with one block per
        block-row: left "dense", pruned "fine" (N:M only), or "hybrid" like all others.
    depthwise : convolutions of one input channel per output stay "dense"; "hybrid" prunes taps, of B channels
        at a time.

    Attributes
    ----------
    floor : what each layer keeps in any case; nothing where the method has no such setting.
    keeps_all_blocks : whether it prunes inside of blocks alone.
    equal_rows : whether it keeps equally many blocks in every block-row of a layer.
    blockless_classifier : whether it prunes no blocks of the classifier, which is looked up then.
    """

    keeps_all_blocks: ClassVar[bool] = False
    equal_rows: ClassVar[bool] = False
    blockless_classifier: ClassVar[bool] = False

    m: int = 4
    block: int = 16
    small_layers: Literal["dense", "fine", "hybrid"] = "dense"
    depthwise: Literal["dense", "hybrid"] = "dense"
    scoring: LayerScoring = field(default_factory=LayerScoring)
    masking: Masking = field(default_factory=Masking)
    floor: Floor = field(default=NO_FLOOR, init=False)

    def __post_init__(self):
        super().__post_init__()
        require_block(self.m, self.block)

    @property
    def most_of_group(self) -> int:
        """Weights that stay in a group of ``m`` at most; all of them in methods without N:M."""
        return self.m

    @property
    def fine_density(self) -> float:
        """Share of the weights that N:M alone keeps; 1 for methods without N:M."""
        return self.most_of_group / self.m

    @property
    def chooses_every_step(self) -> bool:
        """Whether N:M is chosen anew, by magnitude, in every forward pass of training."""
        return False
