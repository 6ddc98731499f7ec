"""The user of a cell: which classes, the network cut to them, the images to tune with and to judge by."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from crisp_sw.checkpoint import CheckpointInfo, load_checkpoint
from crisp_sw.data import DatasetSplits, ImageSet, balanced_order, select_classes
from crisp_sw.experiment.errors import ExperimentError
from crisp_sw.prune import ClassSamples, restrict_classifier
from crisp_sw.steps import load_data

OTHER = "other"


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


def load_user(checkpoint: str, data: str, *, classes: int, seed: int) -> User:
    """Load network and data (kept for the next call) and cut them to a seeded choice of classes.

    A network with one output has nothing to tell apart. The user of a single class therefore gets a second
    output, "other": its images come evenly from all other classes, as many as the class has, and its row of
    the classifier is the mean of theirs.

    Raises
    ------
    CrispError : checkpoint or data are not there or do not fit together.
    """
    model, info, splits = _load(checkpoint, data)
    chosen = choose_classes(classes, seed=seed, of=len(splits.classes))
    names = tuple(splits.classes[index] for index in chosen)
    if len(chosen) > 1:
        restricted = restrict_classifier(model, chosen)
        train, test = select_classes(splits.train, chosen), select_classes(splits.test, chosen)
    else:
        restricted = _one_against_others(model, chosen[0], len(splits.classes))
        train, test = (_with_others(part, chosen[0], seed) for part in (splits.train, splits.test))
        names = (*names, OTHER)
    samples = ClassSamples(images=train.images, labels=train.labels, mean=info.mean, std=info.std)
    return User(model=restricted, info=info, names=names, samples=samples, test=test)


@lru_cache(maxsize=4)
def _load(checkpoint: str, data: str) -> tuple[nn.Module, CheckpointInfo, DatasetSplits]:
    model, info = load_checkpoint(checkpoint)
    splits = load_data(info, data)
    if len(splits.classes) != info.num_classes:
        raise ExperimentError(
            f"{data} has {len(splits.classes)} classes; {checkpoint} expects {info.num_classes}"
        )
    return model, info, splits


def _one_against_others(model: nn.Module, wanted: int, classes: int) -> nn.Module:
    others = [index for index in range(classes) if index != wanted]
    linear = _last_linear(model)
    restricted = restrict_classifier(model, (wanted, others[0]))
    mean = _last_linear(restricted)
    with torch.no_grad():
        mean.weight[1] = linear.weight[others].mean(0)
        if mean.bias is not None and linear.bias is not None:
            mean.bias[1] = linear.bias[others].mean()
    return restricted


def _last_linear(model: nn.Module) -> nn.Linear:
    return [module for module in model.modules() if isinstance(module, nn.Linear)][-1]


def _with_others(images: ImageSet, wanted: int, seed: int) -> ImageSet:
    """All images of one class, and as many of the others, evenly from each."""
    of_class = (images.labels == wanted).nonzero().flatten()
    others = (images.labels != wanted).nonzero().flatten()
    drawn = others[_even_choice(images.labels[others], len(of_class), seed)]
    index = torch.cat([of_class, drawn])
    return ImageSet(images.images[index], (images.labels[index] != wanted).long())


def _even_choice(labels: Tensor, count: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    per_class = -(-count // len(labels.unique()))
    return balanced_order(labels, generator, per_class=per_class)[:count]
