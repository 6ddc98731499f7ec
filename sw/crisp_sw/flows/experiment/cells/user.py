"""The user of a cell: which classes, the network cut to them, the images to tune with and to judge by."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from torch import nn

from crisp_sw.data import DatasetSplits, ImageSet, select_classes
from crisp_sw.exchange.checkpoint import CheckpointInfo, load_checkpoint
from crisp_sw.flows.experiment.cells.cell import ExperimentError
from crisp_sw.flows.inputs import UserClasses, load_data
from crisp_sw.prune import ClassSamples


@dataclass(frozen=True, kw_only=True, eq=False)
class User:
    """A network cut to a user's classes, with its images.

    Attributes
    ----------
    names : of the outputs.
    samples : training images, labels are outputs.
    test : validation images, labels are outputs.
    """

    model: nn.Module
    info: CheckpointInfo
    names: tuple[str, ...]
    samples: ClassSamples
    test: ImageSet


def choose_classes(count: int, *, seed: int, of: int) -> tuple[int, ...]:
    """Draw a user's classes: the first ``count`` of a seeded order of all, so larger sets contain smaller.

    Raises
    ------
    ExperimentError : there are fewer than ``count`` classes.
    """
    if not 0 < count <= of:
        raise ExperimentError(f"`classes` must be from 1 to {of}, not {count}")
    return tuple(int(index) for index in np.random.default_rng(seed).permutation(of)[:count])


def load_user(checkpoint: str, data: str, *, classes: int, seed: int, unlabelled: bool = False) -> User:
    """Load network and data (kept for the next call) and cut them to a seeded choice of classes.

    The user of a single class has a second output, "other", see :class:`crisp_sw.flows.inputs.UserClasses`.

    Parameters
    ----------
    unlabelled : give the samples the training images of all other classes as their transfer set.

    Raises
    ------
    CrispError : checkpoint or data are not there or do not fit together.
    """
    model, info, splits = _load(checkpoint, data)
    chosen = choose_classes(classes, seed=seed, of=len(splits.classes))
    user = UserClasses(splits=splits, indices=chosen)
    train, test = (select_classes(part, chosen, seed=seed) for part in (splits.train, splits.test))
    samples = ClassSamples(
        images=train.images,
        labels=train.labels,
        mean=info.mean,
        std=info.std,
        unlabelled=user.other_images if unlabelled else None,
    )
    return User(model=user.restrict(model), info=info, names=user.names, samples=samples, test=test)


@lru_cache(maxsize=4)
def _load(checkpoint: str, data: str) -> tuple[nn.Module, CheckpointInfo, DatasetSplits]:
    model, info = load_checkpoint(checkpoint)
    splits = load_data(info, data)
    if len(splits.classes) != info.num_classes:
        raise ExperimentError(
            f"{data} has {len(splits.classes)} classes; {checkpoint} expects {info.num_classes}"
        )
    return model, info, splits
