"""Class-balanced sampling: an order of images in which every class comes equally often."""

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


def _repeat(indices: Tensor, count: int, generator: Generator) -> Tensor:
    whole, rest = divmod(count, len(indices))
    remainder = indices[torch.randperm(len(indices), generator=generator)[:rest]]
    return torch.cat([indices.repeat(whole), remainder])
