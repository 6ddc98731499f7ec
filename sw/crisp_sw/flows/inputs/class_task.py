"""A trained network together with the data and the classes that it is to be pruned for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from crisp_sw.choices import Unreadable
from crisp_sw.data import DatasetSplits, ImageSet, class_subset, resolve_classes
from crisp_sw.data.balance import choose_per_class
from crisp_sw.errors import DatasetError
from crisp_sw.exchange.checkpoint import CheckpointInfo
from crisp_sw.flows.inputs.float_models import ForeignWeights, listing, load_float_model
from crisp_sw.flows.inputs.user_classes import UserClasses
from crisp_sw.prune import ClassSamples, SamplesError


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassTask:
    """What one user wants: this network, on this data set, for these classes.

    Attributes
    ----------
    classes : indices into the data set's classes and the network's outputs. A single class stands against all
        others, see `UserClasses`.
    """

    model: nn.Module
    info: CheckpointInfo
    splits: DatasetSplits
    classes: tuple[int, ...]

    @property
    def user(self) -> UserClasses:
        """The classes as outputs of the network that is made for them."""
        return UserClasses(splits=self.splits, indices=self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        """Display names of these outputs."""
        return self.user.names

    def test_images(self) -> ImageSet:
        """Test images of the classes, labelled by output."""
        return self.user.test_images

    def training_counts(self) -> tuple[int, ...]:
        """How many training images there are for each of the outputs."""
        _, labels = class_subset(self.splits.train.labels, self.classes)
        return tuple(labels.bincount(minlength=len(self.names)).tolist())

    def samples(self, per_class: int, seed: int, *, batch: int = 1, unlabelled: bool = False) -> ClassSamples:
        """Training images of the classes, labelled by output, of every class equally many.

        A class with fewer than ``per_class`` images repeats them.

        Parameters
        ----------
        batch : images that there must be.
        unlabelled : add the training images of all other classes as the transfer set.

        Raises
        ------
        SamplesError : a class has no image, or all together fewer than a batch, says how many; or there is no
            other class.
        """
        counts = [min(count, per_class) for count in self.training_counts()]
        if 0 in counts:
            name = self.names[counts.index(0)]
            raise SamplesError(f"{self.splits.name} has no training image of {name!r}; expected at least 1")
        if sum(counts) < batch:
            listed = listing([f"{n} of {name!r}" for n, name in zip(counts, self.names, strict=True)])
            raise SamplesError(
                f"{sum(counts)} training images ({listed}) are fewer than one batch of {batch}; expected at "
                f"least {batch}: raise --samples or lower --batch"
            )
        train = self.splits.train
        index, labels = class_subset(train.labels, self.classes, seed=seed)
        chosen = choose_per_class(labels, range(len(counts)), per_class, seed=seed)
        return ClassSamples(
            images=train.images[index[chosen]],
            labels=labels[chosen],
            mean=self.info.mean,
            std=self.info.std,
            classes=self.classes,
            unlabelled=self.user.other_images if unlabelled else None,
        )


def load_task(
    checkpoint: str | Path | None,
    classes: str | Sequence[str],
    data: str | None = None,
    *,
    foreign: ForeignWeights | None = None,
    unreadable: Unreadable = "refuse",
) -> ClassTask:
    """Load a checkpoint and its data set and look the classes up.

    Parameters
    ----------
    checkpoint : a file, or the name of a shipped checkpoint.
    classes : names, ids or indices; "sneaker,bag,coat" or a sequence.
    data : name or path of the data set; by default the one that the checkpoint was trained on.
    foreign : a state dict to take instead of a checkpoint.
    unreadable : of `crisp_sw.data.load_dataset`.

    Raises
    ------
    CrispError : one of the three is not there, or they do not fit together.
    """
    loaded, splits = load_float_model(checkpoint, data, foreign, unreadable)
    model, info = loaded.model, loaded.info
    if splits.classes != info.classes:
        raise DatasetError(
            f"{splits.name} has the classes {listing(splits.classes)}; the checkpoint expects "
            f"{listing(info.classes)}"
        )
    return ClassTask(model=model, info=info, splits=splits, classes=resolve_classes(splits, classes))
