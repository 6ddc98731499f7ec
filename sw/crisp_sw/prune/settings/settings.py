"""Every choice of a pruning run in one validated object."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

from crisp_sw.choices import BORDERS, PRECISIONS, Border, Gradient
from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.settings.rules import LayerRule
from crisp_sw.prune.settings.value_checks import (
    MOST_COUNT,
    MOST_KEPT_IN_MEMORY,
    as_tuple,
    require_choice,
    require_flag,
    require_integer,
    require_known,
    require_names,
    require_pattern,
    require_positive,
    require_real,
    require_seed,
)

METHODS = ("crisp", "dense", "nm", "block", "unstructured", "channel", "reference_compat")
_CHOICES = {
    "method": METHODS,
    "saliency": ("class-aware", "magnitude", "random"),
    "accumulation": ("absolute", "signed"),
    "layer_norm": ("none", "mean", "l2"),
    "matrix_order": ("tap-major", "oihw"),
    "rank_score": ("mean", "sum"),
    "schedule": ("linear", "cubic", "crisp"),
    "nm_choice": ("reselect", "monotone", "every-step"),
    "gradient": ("ste", "sr-ste", "masked"),
    "small_layers": ("dense", "fine", "hybrid"),
    "depthwise": ("dense", "hybrid"),
    "lr_schedule": ("final-cosine", "cosine"),
    "batch_norm": ("reestimate", "running"),
    "precision": PRECISIONS,
    "crop_border": BORDERS,
    "teacher_view": ("augmented", "original"),
}
_COUNTS_FROM_1 = ("batch_size", "min_kept_blocks")
_COUNTS_FROM_0 = ("epochs_per_iteration", "final_epochs", "crop_padding", "own_epochs")
_FLAGS = ("dense_first", "dense_classifier", "flip")
_SHARES = ("weight_decay", "distillation")
_SHARES_BELOW_1 = ("sparsity", "momentum", "label_smoothing")


@dataclass(frozen=True, kw_only=True)
class PruneSettings:
    """Settings of :func:`crisp_sw.prune.prune_for_classes`; the defaults are those of the demo.

    ``docs/pruning.md`` gives the formula and the source of every choice.

    Parameters
    ----------
    method : "crisp"; or a baseline in the same frame: "dense" (fine-tuned only), "nm" (N:M only), "block"
        (blocks only), "unstructured", "channel" (Torch-Pruning), or "reference_compat" (as the published
        code does it).
    n, m : at most ``n`` weights stay in every ``m`` consecutive weights of the reduction.
    block : edge length B of the square blocks of the weight matrix; a multiple of ``m``.
    matrix_order : the reduction runs "tap-major" (input channels of one tap are consecutive), or "oihw".
    sparsity : share of the prunable layers' weights that must go, 0 to below 1.
    iterations : pruning steps over which the target rises.
    schedule : "linear", "cubic" (large steps first), or "crisp" (N:M alone, then equal steps).
    saliency : "class-aware" (gradients on the samples), "magnitude", or "random".
    accumulation : how batches add up to a class-aware saliency, see :mod:`crisp_sw.prune.tuning.saliency`.
    saliency_samples : measure a class-aware saliency on that many of the samples; None for all.
    layer_norm : divide a layer's saliencies by their "mean" or "l2" norm.
    rank_score : rank-columns of different layers compare by "mean" saliency per weight or by its "sum".
    nm_choice : N:M choices inside kept blocks may move at every pruning step ("reselect"), or never
        ("monotone"), or go by magnitude anew in every forward pass of training ("every-step").
    gradient : what a masked weight receives until the mask is frozen, see
        :mod:`crisp_sw.prune.masks.masking`.
    sr_ste_decay : lambda of "sr-ste".
    min_kept_blocks, min_kept_share : floors, which no layer's block-rows fall below: a number of blocks, and
        a share of the blocks that pruning all layers alike to ``sparsity`` would keep; None for one that
        falls with their number, see :func:`crisp_sw.prune.methods.floors.floor_share`. "unstructured" reads
        the share alone, of weights.
    small_layers : what happens to layers with fewer input channels than ``block``, or with one block per
        block-row: left "dense", pruned "fine" (N:M only), or "hybrid" like all others.
    depthwise : convolutions of one input channel per output stay "dense"; "hybrid" prunes taps, of B channels
        at a time.
    exclude : shell-style patterns of layer names that stay dense; each must match a layer.
    exclude_types : class names of layers that stay dense, such as "Linear".
    dense_first, dense_classifier : leave the layer that runs first, or the classifier, which makes the
        outputs, dense.
    rules : settings of single layers; of several that match, later ones win.
    epochs_per_iteration, final_epochs : fine-tuning after each pruning step, and with the frozen mask.
    learning_rate, momentum, weight_decay, batch_size : of the SGD that fine-tunes.
    lr_schedule : "final-cosine" is constant between pruning steps and falls to zero in the final epochs;
        "cosine" falls over the whole run.
    warmup_epochs : over which the learning rate rises from zero.
    max_grad_norm : gradients of a larger norm over all parameters are scaled down to it; None for never.
    label_smoothing : share of the target that is spread over all classes.
    crop_padding, crop_border, flip : augmentation, as of :func:`crisp_sw.data.augment.augment`; the padding
        must be less than the edge of the images.
    batch_norm : statistics at the end, taken anew on the samples as they are ("reestimate"), or the "running"
        ones of training.
    precision : "bfloat16" runs convolutions in bfloat16 (autocast; weights stay float32).
    distillation : share of the loss that compares with a teacher's logits, 0 (none) to 1 (only).
    temperature : of the softened logits that are compared.
    teacher_view : the teacher sees each "augmented" batch, or each "original" image once.
    unlabelled_batch : images of the samples' transfer set (:class:`crisp_sw.prune.ClassSamples`) that each
        batch gets beside its own, for the distillation alone.
    own_epochs : the last epochs, which see the samples alone again, so that BatchNorm's running statistics
        are those of the user's classes.
    seed : of batch order, augmentation, dropout, transfer images and random saliency.

    Raises
    ------
    PruneError : a value is out of range; the message names it and what was expected.
    """

    method: Literal["crisp", "dense", "nm", "block", "unstructured", "channel", "reference_compat"] = "crisp"
    n: int = 1
    m: int = 4
    block: int = 16
    matrix_order: Literal["tap-major", "oihw"] = "tap-major"
    sparsity: float = 0.92
    iterations: int = 3
    schedule: Literal["linear", "cubic", "crisp"] = "linear"
    saliency: Literal["class-aware", "magnitude", "random"] = "class-aware"
    accumulation: Literal["absolute", "signed"] = "absolute"
    saliency_samples: int | None = None
    layer_norm: Literal["none", "mean", "l2"] = "none"
    rank_score: Literal["mean", "sum"] = "mean"
    nm_choice: Literal["reselect", "monotone", "every-step"] = "reselect"
    gradient: Gradient = "ste"
    sr_ste_decay: float = 2e-4
    min_kept_blocks: int = 1
    min_kept_share: float | None = None
    small_layers: Literal["dense", "fine", "hybrid"] = "dense"
    depthwise: Literal["dense", "hybrid"] = "dense"
    exclude: tuple[str, ...] = ()
    exclude_types: tuple[str, ...] = ()
    dense_first: bool = False
    dense_classifier: bool = False
    rules: tuple[LayerRule, ...] = ()
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
    crop_padding: int = 0
    crop_border: Border = "black"
    flip: bool = False
    batch_norm: Literal["reestimate", "running"] = "reestimate"
    precision: Literal["float32", "bfloat16"] = "float32"
    distillation: float = 0.5
    temperature: float = 2.0
    teacher_view: Literal["augmented", "original"] = "augmented"
    unlabelled_batch: int = 0
    own_epochs: int = 0
    seed: int = 0

    def __post_init__(self):
        require_pattern(self.n, self.m, self.block)
        for name in _COUNTS_FROM_1:
            require_integer(name, getattr(self, name), 1)
        for name in _COUNTS_FROM_0:
            require_integer(name, getattr(self, name), 0)
        require_integer("iterations", self.iterations, 1, MOST_KEPT_IN_MEMORY)
        require_integer("unlabelled_batch", self.unlabelled_batch, 0, MOST_KEPT_IN_MEMORY)
        require_seed("seed", self.seed)
        for name in _SHARES:
            require_real(name, getattr(self, name), 0.0, 1.0)
        for name in _SHARES_BELOW_1:
            require_real(name, getattr(self, name), 0.0, 1.0, open_end=True)
        for name in ("learning_rate", "temperature", "sr_ste_decay"):
            require_positive(name, getattr(self, name))
        if self.min_kept_share is not None:
            require_real("min_kept_share", self.min_kept_share, 0.0, 1.0)
        if self.max_grad_norm is not None:
            require_positive("max_grad_norm", self.max_grad_norm)
        if self.saliency_samples is not None:
            require_integer("saliency_samples", self.saliency_samples, 1)
        require_real("warmup_epochs", self.warmup_epochs, 0.0, MOST_COUNT)
        for name in _FLAGS:
            require_flag(name, getattr(self, name))
        for name, choices in _CHOICES.items():
            require_choice(name, getattr(self, name), choices)
        if self.unlabelled_batch and not self.distillation:
            raise PruneError(
                f"`unlabelled_batch` {self.unlabelled_batch} without `distillation` teaches nothing; "
                "expected 0, or a `distillation` above 0"
            )
        if self.unlabelled_batch and self.own_epochs >= self.total_epochs:
            raise PruneError(
                f"`own_epochs` must be less than the {self.total_epochs} epochs of the run where "
                f"`unlabelled_batch` is {self.unlabelled_batch}, not {self.own_epochs}"
            )
        require_names("exclude", self.exclude)
        require_names("exclude_types", self.exclude_types)
        if not isinstance(self.rules, tuple) or not all(isinstance(rule, LayerRule) for rule in self.rules):
            raise PruneError(f"`rules` must be a tuple of LayerRule, not {self.rules!r}")

    @property
    def fine_density(self) -> float:
        """Share of the weights that N:M alone keeps; 1 for methods without N:M."""
        return self.n / self.m if self.method in ("crisp", "nm", "reference_compat") else 1.0

    @property
    def flattens(self) -> bool:
        """Whether the matrix that is pruned is the weight in OIHW order."""
        return self.matrix_order == "oihw" or self.method == "reference_compat"

    @property
    def mask_gradient(self) -> Gradient:
        """What masked weights receive; the published code has hard masks."""
        return "masked" if self.method == "reference_compat" else self.gradient

    @property
    def augments(self) -> bool:
        """Whether batches are augmented."""
        return self.flip or self.crop_padding > 0

    @property
    def total_epochs(self) -> int:
        """Passes over the samples that the whole run trains."""
        return self.iterations * self.epochs_per_iteration + self.final_epochs

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON types."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the settings that :meth:`to_json` described; what is absent has its default.

        Raises
        ------
        PruneError : a value is of the wrong type or out of range, or a name is no setting.
        """
        if not isinstance(values, Mapping):
            raise PruneError(f"settings must be values by name, not {values!r}")
        cls.require_names_of_settings(values)
        lists = {
            name: as_tuple(name, values[name], of="strings")
            for name in ("exclude", "exclude_types")
            if name in values
        }
        rules = as_tuple("rules", values.get("rules", ()), of='tables such as {name = "fc", n = 2}')
        return cls(**{**values, **lists, "rules": tuple(map(LayerRule.from_json, rules))})

    @classmethod
    def require_names_of_settings(cls, names: Iterable[str]) -> None:
        """Raise PruneError, suggesting the nearest, if one of ``names`` is no setting."""
        require_known(names, [item.name for item in fields(cls)], what="setting")
