"""Every choice of a pruning run in one validated object."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from crisp_sw.prune.errors import PruneError

_CHOICES = {
    "schedule": ("linear", "cubic"),
    "rank_score": ("mean", "sum"),
    "accumulation": ("absolute", "signed"),
    "small_layers": ("dense", "fine", "hybrid"),
}


@dataclass(frozen=True, kw_only=True)
class PruneSettings:
    """Settings of :func:`crisp_sw.prune.prune_for_classes`; the defaults are those of the demo.

    Parameters
    ----------
    n, m : at most ``n`` weights stay in every ``m`` consecutive input channels of one tap.
    block : edge length B of the square blocks of ``W[K, taps * C]``; a multiple of ``m``.
    sparsity : share of the prunable layers' weights that must go, 0 to below 1.
    iterations : pruning steps over which the target rises.
    schedule : "linear", or "cubic" (large steps first; Zhu & Gupta 2017).
    epochs_per_iteration, final_epochs : fine-tuning after each pruning step, and with the frozen mask.
    learning_rate, momentum, weight_decay, batch_size : of the SGD that fine-tunes. The rate is constant
        between pruning steps and falls to zero along a cosine in the final epochs.
    distillation : share of the loss that compares with the dense model's logits, 0 (none) to 1 (only).
    temperature : of the softened logits that are compared.
    accumulation : how batches add up to a saliency, see :mod:`crisp_sw.prune.saliency`.
    rank_score : rank-columns of different layers compare by "mean" saliency per weight or by its "sum".
    min_kept_blocks, min_kept_share : floors, which no layer's block-rows fall below: a number of blocks, and
        a share of the blocks that pruning all layers alike to ``sparsity`` would keep.
    small_layers : what happens to layers with fewer input channels than ``block``, or with one block per
        block-row: left "dense", pruned "fine" (N:M only), or "hybrid" like all others.
    exclude : shell-style patterns of layer names that stay dense; each must match a layer.
    exclude_types : class names of layers that stay dense, such as "Linear".
    seed : of batch order and dropout.

    Raises
    ------
    PruneError : a value is out of range; the message names it and what was expected.
    """

    n: int = 1
    m: int = 4
    block: int = 16
    sparsity: float = 0.92
    iterations: int = 3
    schedule: Literal["linear", "cubic"] = "linear"
    epochs_per_iteration: int = 1
    final_epochs: int = 5
    learning_rate: float = 0.02
    momentum: float = 0.9
    weight_decay: float = 5e-4
    batch_size: int = 64
    distillation: float = 0.5
    temperature: float = 2.0
    accumulation: Literal["absolute", "signed"] = "absolute"
    rank_score: Literal["mean", "sum"] = "mean"
    min_kept_blocks: int = 1
    min_kept_share: float = 0.75
    small_layers: Literal["dense", "fine", "hybrid"] = "dense"
    exclude: tuple[str, ...] = ()
    exclude_types: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self):
        self._check_pattern()
        for name in ("iterations", "batch_size", "min_kept_blocks"):
            self._require_integer(name, 1)
        for name in ("epochs_per_iteration", "final_epochs", "seed"):
            self._require_integer(name, 0)
        self._require_real("sparsity", 0.0, 1.0, open_end=True)
        self._require_real("momentum", 0.0, 1.0, open_end=True)
        self._require_real("weight_decay", 0.0, 1.0)
        self._require_real("distillation", 0.0, 1.0)
        self._require_real("min_kept_share", 0.0, 1.0)
        self._require_positive("learning_rate")
        self._require_positive("temperature")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise PruneError(f"`{name}` must be one of {', '.join(choices)}, not {getattr(self, name)!r}")
        self._require_names("exclude")
        self._require_names("exclude_types")

    @property
    def uniform_density(self) -> float:
        """Share of the blocks that stays where all layers are pruned alike to ``sparsity``, 0 to 1."""
        return min(1.0, (1 - self.sparsity) * self.m / self.n)

    @property
    def total_epochs(self) -> int:
        """Passes over the samples that the whole run trains."""
        return self.iterations * self.epochs_per_iteration + self.final_epochs

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON types."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }

    def _check_pattern(self) -> None:
        self._require_integer("m", 1)
        self._require_integer("n", 1)
        self._require_integer("block", 1)
        if self.n > self.m:
            raise PruneError(f"`n` must be from 1 to m = {self.m}, not {self.n}")
        if self.block % self.m:
            raise PruneError(f"`block` must be a multiple of m = {self.m}, not {self.block}")

    def _require_integer(self, name: str, low: int) -> None:
        value = getattr(self, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < low:
            raise PruneError(f"`{name}` must be an integer of at least {low}, not {value!r}")

    def _require_real(self, name: str, low: float, high: float, *, open_end: bool = False) -> None:
        value = getattr(self, name)
        inside = isinstance(value, int | float) and low <= value <= high and not (open_end and value == high)
        if not inside:
            bound = "below" if open_end else "to"
            raise PruneError(f"`{name}` must be from {low:g} {bound} {high:g}, not {value!r}")

    def _require_positive(self, name: str) -> None:
        value = getattr(self, name)
        if not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
            raise PruneError(f"`{name}` must be a positive number, not {value!r}")

    def _require_names(self, name: str) -> None:
        value = getattr(self, name)
        if not isinstance(value, tuple) or not all(isinstance(item, str) for item in value):
            raise PruneError(f"`{name}` must be a tuple of strings, not {value!r}")
