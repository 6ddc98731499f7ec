"""What a checkpoint says of its weights, with every value checked: it may come from a file."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from crisp_golden.arithmetic.network import MAX_IMAGE_VALUES
from crisp_sw.data.dataset import Normalization
from crisp_sw.errors import CheckpointError, DatasetError


@dataclass(frozen=True, kw_only=True)
class CheckpointInfo:
    """What the weights belong to, and how they were made.

    Attributes
    ----------
    model : a name that `build_model` knows.
    image_size : (H, W) of the images that it was trained on.
    mean, std : per channel, of pixel values scaled to 0..1.
    accuracy : top-1 on the test images, 0 to 1.
    settings : of the training.
    command : that makes this checkpoint again.
    history : of the training, an entry with epoch, loss and accuracy for each epoch.
    class_ids : the data set's identifiers of the classes, or () in files that do not have them. One id for
        two outputs: the second output stands for all other classes.
    data_source : of the data set, see `crisp_sw.data.DatasetSplits`; "" in files that do not have it.

    Raises
    ------
    CheckpointError : a value is of another type or out of range, or two do not fit together.
    """

    model: str
    in_channels: int
    num_classes: int
    classes: tuple[str, ...]
    image_size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    dataset: str
    accuracy: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    history: tuple[Mapping[str, float], ...] = ()
    class_ids: tuple[str, ...] = ()
    data_source: str = ""

    def __post_init__(self):
        for name, (is_right, expected) in _CHECKS.items():
            value = getattr(self, name)
            if not is_right(value):
                raise CheckpointError(f"`{name}` must be {expected}, not {value!r}")
        try:
            Normalization(self.mean, self.std)
        except DatasetError as error:
            raise CheckpointError(str(error)) from error
        self._require_lengths()
        if self.in_channels * math.prod(self.image_size) > MAX_IMAGE_VALUES:
            raise CheckpointError(
                f"`image_size` {self.image_size} of {self.in_channels} channels; expected at most "
                f"{MAX_IMAGE_VALUES:,} values"
            )

    def _require_lengths(self) -> None:
        if len(self.classes) != self.num_classes:
            raise CheckpointError(f"{len(self.classes)} class names; expected {self.num_classes}")
        one_against_others = len(self.class_ids) == 1 and self.num_classes == 2
        if self.class_ids and len(self.class_ids) != self.num_classes and not one_against_others:
            raise CheckpointError(f"{len(self.class_ids)} class ids; expected {self.num_classes}")
        if not len(self.mean) == len(self.std) == self.in_channels:
            raise CheckpointError(
                f"{len(self.mean)} means and {len(self.std)} deviations; expected {self.in_channels} of each"
            )

    @property
    def normalization(self) -> Normalization:
        """What has to be applied to byte images before the network sees them."""
        return Normalization(self.mean, self.std)


Check = tuple[Callable[[Any], bool], str]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _all(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda values: isinstance(values, tuple) and all(map(is_right, values))


_CHECKS: dict[str, Check] = {
    "model": (_is_text, "a name"),
    "in_channels": (_is_count, "a positive integer"),
    "num_classes": (_is_count, "a positive integer"),
    "classes": (_all(_is_text), "names"),
    "image_size": (lambda size: _all(_is_count)(size) and len(size) == 2, "two positive integers"),
    "dataset": (_is_text, "a name"),
    "accuracy": (_is_share, "from 0 to 1"),
    "settings": (_is_mapping, "values by name"),
    "command": (_is_text, "a text"),
    "history": (_all(_is_mapping), "entries of values by name"),
    "class_ids": (_all(_is_text), "names"),
    "data_source": (_is_text, "a name or a path"),
}
