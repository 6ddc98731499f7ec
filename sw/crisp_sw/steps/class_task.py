"""A trained network together with the data and the classes that it is to be pruned for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from crisp_sw.checkpoint import CheckpointInfo
from crisp_sw.data import DatasetSplits, ImageSet, resolve_classes, select_classes
from crisp_sw.errors import DatasetError
from crisp_sw.prune import ClassSamples, choose_samples
from crisp_sw.steps.float_models import ForeignWeights, listing, load_float_model


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassTask:
    """What one user wants: this network, on this data set, for these classes.

    Attributes
    ----------
    classes : indices into the data set's classes and the network's outputs.
    """

    model: nn.Module
    info: CheckpointInfo
    splits: DatasetSplits
    classes: tuple[int, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Display names of the classes."""
        return tuple(self.splits.classes[index] for index in self.classes)

    def test_images(self) -> ImageSet:
        """Test images of the classes, labelled by position in ``classes``."""
        return select_classes(self.splits.test, self.classes)

    def samples(self, per_class: int, seed: int) -> ClassSamples:
        """Training images of the classes, labelled by position in ``classes``."""
        images = self.splits.train
        return choose_samples(
            images.images,
            images.labels,
            self.classes,
            per_class=per_class,
            mean=self.info.mean,
            std=self.info.std,
            seed=seed,
        )


def load_task(
    checkpoint: str | Path | None,
    classes: str | Sequence[str],
    data: str | None = None,
    *,
    foreign: ForeignWeights | None = None,
) -> ClassTask:
    """Load a checkpoint and its data set and look the classes up.

    Parameters
    ----------
    checkpoint : a file, or the name of a shipped checkpoint.
    classes : names, ids or indices; "sneaker,bag,coat" or a sequence.
    data : name or path of the data set; by default the one that the checkpoint was trained on.
    foreign : a state dict to take instead of a checkpoint.

    Raises
    ------
    CrispError : one of the three is not there, or they do not fit together.
    """
    loaded, splits = load_float_model(checkpoint, data, foreign)
    model, info = loaded.model, loaded.info
    if splits.classes != info.classes:
        raise DatasetError(
            f"{splits.name} has the classes {listing(splits.classes)}; the checkpoint expects "
            f"{listing(info.classes)}"
        )
    return ClassTask(model=model, info=info, splits=splits, classes=resolve_classes(splits, classes))
