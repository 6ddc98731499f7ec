"""Choosing classes of a data set by index, id or name, and cutting images and labels down to them."""

import difflib
from collections.abc import Sequence

import torch

from crisp_sw.data.dataset import DatasetSplits, ImageSet
from crisp_sw.errors import ClassSelectionError

LISTED_CLASSES = 20
SUGGESTIONS = 3
SHORTEST_PART = 3


def resolve_classes(dataset: DatasetSplits, wanted: str | Sequence[str | int]) -> tuple[int, ...]:
    """Turn what a user typed into class indices.

    Parameters
    ----------
    wanted : "sneaker,bag,coat", or a sequence of names, ids and indices. Letter case does not matter; of a
        name with synonyms ("goldfish, Carassius auratus") each synonym is accepted.

    Returns
    -------
    Indices in the order given.

    Raises
    ------
    ClassSelectionError : nothing is named, a class is unknown or ambiguous, or named twice.
    """
    items = wanted.split(",") if isinstance(wanted, str) else [str(item) for item in wanted]
    items = [item.strip() for item in items if item.strip()]
    if not items:
        raise ClassSelectionError(f"no classes given; expected some of: {_listing(dataset)}")
    indices = [_resolve(dataset, item) for item in items]
    for position, index in enumerate(indices):
        if index in indices[:position]:
            raise ClassSelectionError(f"class {items[position]!r} is given twice; expected each class once")
    return tuple(indices)


def select_classes(images: ImageSet, classes: Sequence[int]) -> ImageSet:
    """Keep the images of the given classes, in their order; the label becomes the position in ``classes``."""
    position = torch.full((max([*classes, *images.labels.unique().tolist()]) + 1,), -1)
    position[list(classes)] = torch.arange(len(classes))
    labels = position[images.labels]
    kept = labels >= 0
    return ImageSet(images.images[kept], labels[kept])


def _resolve(dataset: DatasetSplits, item: str) -> int:
    matches = {index for index, names in enumerate(_names(dataset)) if item.lower() in names}
    if len(matches) > 1:
        listed = ", ".join(str(index) for index in sorted(matches))
        raise ClassSelectionError(f"class {item!r} is ambiguous; expected one of the indices {listed}")
    if matches:
        return matches.pop()
    if item.isdecimal() and int(item) < len(dataset.classes):
        return int(item)
    raise ClassSelectionError(f"no class {item!r} in {dataset.name}; {_suggestion(dataset, item)}")


def _names(dataset: DatasetSplits) -> list[set[str]]:
    """All lower-case names by which each class is known."""
    ids = dataset.class_ids or dataset.classes
    return [
        {identifier.lower(), name.lower(), *(part.strip().lower() for part in name.split(","))}
        for identifier, name in zip(ids, dataset.classes, strict=True)
    ]


def _suggestion(dataset: DatasetSplits, item: str) -> str:
    """Name up to three classes that may be meant: similar names first, then those that contain the word."""
    wanted = item.lower()
    known = {name: index for index, names in enumerate(_names(dataset)) for name in sorted(names)}
    containing = [name for name in known if wanted in name and len(wanted) >= SHORTEST_PART]
    similar = difflib.get_close_matches(wanted, known, n=SUGGESTIONS)
    nearest = list(dict.fromkeys(known[name] for name in similar + containing))[:SUGGESTIONS]
    if nearest:
        *others, last = [repr(dataset.classes[index]) for index in nearest]
        return f"did you mean {', '.join(others)} or {last}?" if others else f"did you mean {last}?"
    return f"expected an index from 0 to {len(dataset.classes) - 1} or one of: {_listing(dataset)}"


def _listing(dataset: DatasetSplits) -> str:
    rest = len(dataset.classes) - LISTED_CLASSES
    return ", ".join(dataset.classes[:LISTED_CLASSES]) + (f" and {rest} more" if rest > 0 else "")
