"""What the steps may use of the training images, beside the settings of pruner and quantizer."""

from dataclasses import dataclass
from typing import Literal

from crisp_spec.errors import CrispError
from crisp_sw.prune.settings.value_checks import require_integer

CALIBRATION_PER_CLASS = 128
"""Training images of each class that the int8 ranges are measured on."""


@dataclass(frozen=True, kw_only=True)
class PruneBudget:
    """What a pruning run may use beside the pruner's own settings.

    Attributes
    ----------
    samples_per_class : training images of each of the user's classes.
    compare_dense : also fine-tune the dense network with the same budget, for its accuracy.
    teacher : distilled from: the "original" network, or the dense "fine-tuned" one.
    """

    samples_per_class: int = 500
    compare_dense: bool = True
    teacher: Literal["original", "fine-tuned"] = "original"

    def __post_init__(self):
        require_integer("samples_per_class", self.samples_per_class, 1)
        if self.teacher not in ("original", "fine-tuned"):
            raise CrispError(f"`teacher` must be original or fine-tuned, not {self.teacher!r}")
        if self.teacher == "fine-tuned" and not self.compare_dense:
            raise CrispError("a fine-tuned teacher is the dense comparison; expected `compare_dense` too")
