"""Settings of fine-tuning, which every method of pruning shares."""

from dataclasses import dataclass, field
from typing import Literal

from crisp_sw.choices import Border, Precision
from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.settings.settings_group import SettingsGroup
from crisp_sw.prune.settings.value_checks import (
    MOST_COUNT,
    MOST_KEPT_IN_MEMORY,
    require_flag,
    require_integer,
    require_positive,
    require_real,
    require_seed,
)


@dataclass(frozen=True, kw_only=True)
class Augmentation(SettingsGroup):
    """How images are changed at random before the model sees them.

    Parameters
    ----------
    crop_padding : pixels of border around the image, from which a random crop is taken; less than its edge.
    crop_border : what the border shows.
    flip : whether every second image is mirrored, left to right.
    """

    crop_padding: int = 0
    crop_border: Border = "black"
    flip: bool = False

    def __post_init__(self):
        super().__post_init__()
        require_integer("crop_padding", self.crop_padding, 0)
        require_flag("flip", self.flip)

    @property
    def changes_images(self) -> bool:
        """Whether there is any."""
        return self.flip or self.crop_padding > 0


@dataclass(frozen=True, kw_only=True)
class Distillation(SettingsGroup):
    """What the model learns from a teacher.

    Parameters
    ----------
    distillation : share of the loss that compares with the teacher's logits, 0 (none) to 1 (only).
    temperature : of the softened logits that are compared.
    teacher_view : the teacher sees each "augmented" batch, or each "original" image once.
    unlabelled_batch : images of the samples' transfer set (:class:`crisp_sw.prune.ClassSamples`) that each
        batch gets beside its own, for the distillation alone.
    own_epochs : the last epochs, which see the samples alone again, so that BatchNorm's running statistics
        are those of the user's classes.
    """

    distillation: float = 0.5
    temperature: float = 2.0
    teacher_view: Literal["augmented", "original"] = "augmented"
    unlabelled_batch: int = 0
    own_epochs: int = 0

    def __post_init__(self):
        super().__post_init__()
        require_real("distillation", self.distillation, 0.0, 1.0)
        require_positive("temperature", self.temperature)
        require_integer("unlabelled_batch", self.unlabelled_batch, 0, MOST_KEPT_IN_MEMORY)
        require_integer("own_epochs", self.own_epochs, 0)
        if self.unlabelled_batch and not self.distillation:
            raise PruneError(
                f"`unlabelled_batch` {self.unlabelled_batch} without `distillation` teaches nothing; "
                "expected 0, or a `distillation` above 0"
            )


@dataclass(frozen=True, kw_only=True)
class FineTuning(SettingsGroup):
    """Fine-tuning with SGD: its budget of epochs, its learning rate and its randomness.

    Parameters
    ----------
    iterations : pruning steps; those of a dense run are epochs alone.
    epochs_per_iteration : fine-tuning after each pruning step.
    final_epochs : fine-tuning with the final mask.
    learning_rate, momentum, weight_decay : of the SGD.
    batch_size : images of a batch, also of those that a saliency is measured on.
    lr_schedule : "final-cosine" is constant between pruning steps and falls to zero in the final epochs;
        "cosine" falls over the whole run.
    warmup_epochs : over which the learning rate rises from zero.
    max_grad_norm : gradients of a larger norm over all parameters are scaled down to it; None for never.
    label_smoothing : share of the target that is spread over all classes.
    batch_norm : statistics at the end, taken anew on the samples as they are ("reestimate"), or the "running"
        ones of training.
    precision : "bfloat16" runs convolutions in bfloat16 (autocast; weights stay float32).
    seed : of batch order, augmentation, dropout, transfer images and random saliency.
    """

    iterations: int = 3
    epochs_per_iteration: int = 1
    final_epochs: int = 5
    learning_rate: float = 0.02
    momentum: float = 0.9
    weight_decay: float = 5e-4
    batch_size: int = 64
    lr_schedule: Literal["final-cosine", "cosine"] = "final-cosine"
    warmup_epochs: float = 0.0
    max_grad_norm: float | None = None
    label_smoothing: float = 0.0
    batch_norm: Literal["reestimate", "running"] = "reestimate"
    precision: Precision = "float32"
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)
    teaching: Distillation = field(default_factory=Distillation)

    def __post_init__(self):
        super().__post_init__()
        require_integer("iterations", self.iterations, 1, MOST_KEPT_IN_MEMORY)
        require_integer("epochs_per_iteration", self.epochs_per_iteration, 0)
        require_integer("final_epochs", self.final_epochs, 0)
        require_integer("batch_size", self.batch_size, 1)
        require_positive("learning_rate", self.learning_rate)
        require_real("momentum", self.momentum, 0.0, 1.0, open_end=True)
        require_real("weight_decay", self.weight_decay, 0.0, 1.0)
        require_real("warmup_epochs", self.warmup_epochs, 0.0, MOST_COUNT)
        require_real("label_smoothing", self.label_smoothing, 0.0, 1.0, open_end=True)
        if self.max_grad_norm is not None:
            require_positive("max_grad_norm", self.max_grad_norm)
        require_seed("seed", self.seed)
        if self.teaching.unlabelled_batch and self.teaching.own_epochs >= self.total_epochs:
            raise PruneError(
                f"`own_epochs` must be less than the {self.total_epochs} epochs of the run where "
                f"`unlabelled_batch` is {self.teaching.unlabelled_batch}, not {self.teaching.own_epochs}"
            )

    @property
    def total_epochs(self) -> int:
        """Passes over the samples that the whole run trains."""
        return self.iterations * self.epochs_per_iteration + self.final_epochs
