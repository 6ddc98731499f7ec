"""Class-balanced sampling: choices and orders of images in which every class comes equally often."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor


def balanced_order(labels: Tensor, generator: Generator, *, per_class: int | None = None) -> Tensor:
    """Draw equally many images of every class that has any, in random order.

    A class with fewer images than needed repeats them, each equally often but for a remainder drawn at
    random; a class with more gives a random choice.

    Parameters
    ----------
    labels : int64[N].
    generator : source of all randomness.
    per_class : images of each class; by default those of the largest class, so that every image comes.

    Returns
    -------
    int64[classes * per_class], indices into ``labels``.
    """
    members = [(labels == label).nonzero().flatten() for label in labels.unique()]
    count = max(len(of_class) for of_class in members) if per_class is None else per_class
    chosen = torch.cat([_repeat(of_class, count, generator) for of_class in members])
    return chosen[torch.randperm(len(chosen), generator=generator)]


def choose_per_class(labels: Tensor, classes: Sequence[int], per_class: int, *, seed: int) -> Tensor:
    """Draw ``per_class`` images of each class, or as many as the largest of them has.

    A class with fewer images repeats them.

    Parameters
    ----------
    labels : int64[N], with at least one image of each class.

    Returns
    -------
    int64[n], indices into ``labels``, class by class.
    """
    generator = torch.Generator().manual_seed(seed)
    members = [(labels == label).nonzero().flatten() for label in classes]
    drawn = [of_class[torch.randperm(len(of_class), generator=generator)] for of_class in members]
    count = min(per_class, max(map(len, members)))
    return torch.cat([of_class[torch.arange(count) % len(of_class)] for of_class in drawn])


def _repeat(indices: Tensor, count: int, generator: Generator) -> Tensor:
    whole, rest = divmod(count, len(indices))
    remainder = indices[torch.randperm(len(indices), generator=generator)[:rest]]
    return torch.cat([indices.repeat(whole), remainder])
