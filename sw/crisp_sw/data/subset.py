"""The images of one user's classes: all of several classes, or one class against all others."""

from collections.abc import Sequence

import torch
from torch import Tensor

from crisp_sw.data.balance import balanced_order
from crisp_sw.data.dataset import ImageSet


def select_classes(images: ImageSet, classes: Sequence[int], *, seed: int = 0) -> ImageSet:
    """Keep the images that `class_subset` gives; the label becomes the output that is right."""
    return images.at(*class_subset(images.labels, classes, seed=seed))


def class_subset(labels: Tensor, classes: Sequence[int], *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Which images show the classes of a user, and the output that is right for each.

    A network with one output has nothing to tell apart. A single class therefore stands against all others:
    label 0 is the class, label 1 as many images of the others, evenly from each.

    Parameters
    ----------
    labels : int64[N], of all images.
    classes : different labels.
    seed : of the choice among the others.

    Returns
    -------
    int64[n], indices into ``labels``, and int64[n], positions in ``classes``; n may be 0.
    """
    if len(classes) == 1:
        return _against_others(labels, classes[0], seed)
    position = torch.full((max([*classes, *labels.unique().tolist()]) + 1,), -1)
    position[list(classes)] = torch.arange(len(classes))
    index = (position[labels] >= 0).nonzero().flatten()
    return index, position[labels[index]]


def _against_others(labels: Tensor, wanted: int, seed: int) -> tuple[Tensor, Tensor]:
    of_class, others = (labels == wanted).nonzero().flatten(), (labels != wanted).nonzero().flatten()
    if len(of_class) and len(others):
        generator = torch.Generator().manual_seed(seed)
        per_class = -(-len(of_class) // len(labels[others].unique()))
        others = others[balanced_order(labels[others], generator, per_class=per_class)]
    index = torch.cat([of_class, others[: len(of_class)]])
    return index, (labels[index] != wanted).long()
