"""How to train: the settings of a run, checked, and the learning rate that they give at each step."""

import math
from dataclasses import dataclass

from crisp_sw.choices import BORDERS, PRECISIONS, Border
from crisp_sw.errors import TrainingError
from crisp_sw.seeds import HIGHEST_SEED, SEED_RANGE

SCHEDULES = ("one-cycle", "cosine")
WARM_UP_SHARE = 0.25
_MOST = {"epochs": 1e6, "batch": 1e6, "learning_rate": 3e38}  # weights are float32
_CHOICES = {"schedule": SCHEDULES, "precision": PRECISIONS, "crop_border": BORDERS}


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How to train.

    Parameters
    ----------
    epochs, batch : at least 1.
    learning_rate : the highest of the schedule.
    schedule : "one-cycle" rises linearly over the first quarter of the steps, then falls as a cosine;
        "cosine" only falls.
    crop_padding, crop_border, flip : of `augment`.
    balanced : every class comes equally often, by repeating images of the smaller ones.
    precision : "bfloat16" runs convolutions in bfloat16 (torch autocast; weights stay float32), several
        times faster on processors with AVX512-BF16 and many times slower on others.
    seed : of initial weights, batch order and augmentation.

    Raises
    ------
    TrainingError : a value is out of range.
    """

    epochs: int = 20
    batch: int = 128
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    schedule: str = "one-cycle"
    crop_padding: int = 2
    crop_border: Border = "black"
    flip: bool = True
    balanced: bool = False
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self):
        for name, most in _MOST.items():
            if not 0 < getattr(self, name) <= most:
                raise TrainingError(
                    f"`{name}` must be above 0 and at most {most:g}, not {getattr(self, name)}"
                )
        for name in ("momentum", "weight_decay", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise TrainingError(f"`{name}` must be from 0 to 1, 1 excluded, not {getattr(self, name)}")
        if self.crop_padding < 0:
            raise TrainingError(f"`crop_padding` must be 0 or more, not {self.crop_padding}")
        if not 0 <= self.seed <= HIGHEST_SEED:
            raise TrainingError(f"`seed` must be {SEED_RANGE}, not {self.seed}")
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise TrainingError(f"no {name} {getattr(self, name)!r}; expected one of {', '.join(known)}")

    def learning_rate_at(self, position: float) -> float:
        """Learning rate at ``position`` of the run, 0 to 1."""
        if self.schedule == "one-cycle":
            if position < WARM_UP_SHARE:
                return self.learning_rate * (0.04 + 0.96 * position / WARM_UP_SHARE)
            position = (position - WARM_UP_SHARE) / (1 - WARM_UP_SHARE)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * position))
