"""Choosing classes of a data set by index, id or name."""

import difflib
from collections.abc import Mapping, Sequence

from crisp_sw.data.dataset import DatasetSplits
from crisp_sw.errors import ClassSelectionError

LISTED_CLASSES = 20
SUGGESTIONS = 3
SHORTEST_PART = 3


def resolve_classes(dataset: DatasetSplits, wanted: str | Sequence[str | int]) -> tuple[int, ...]:
    """Turn what a user typed into class indices.

    Parameters
    ----------
    wanted : "sneaker,bag,coat", or a sequence of names, ids and indices. Letter case does not matter. Of a
        name with synonyms ("goldfish, Carassius auratus") each is accepted, and the first ones together: at
        every place the longest name that there is counts.

    Returns
    -------
    Indices in the order given.

    Raises
    ------
    ClassSelectionError : nothing is named, a class is unknown or ambiguous, or named twice.
    """
    known = _known_names(dataset)
    items = _split(wanted, known) if isinstance(wanted, str) else [_spaced(str(item)) for item in wanted]
    items = [item for item in items if item]
    if not items:
        raise ClassSelectionError(f"no classes given; expected some of: {_listing(dataset)}")
    indices = [_resolve(dataset, item, known) for item in items]
    for position, index in enumerate(indices):
        if index in indices[:position]:
            raise ClassSelectionError(f"class {items[position]!r} is given twice; expected each class once")
    return tuple(indices)


def _split(wanted: str, known: Mapping[str, set[int]]) -> list[str]:
    """Items of a comma-separated list, some of which have commas themselves."""
    parts, items = [part.strip() for part in wanted.split(",") if part.strip()], []
    while parts:
        lengths = range(len(parts), 1, -1)
        length = next((n for n in lengths if ", ".join(parts[:n]).lower() in known), 1)
        items.append(", ".join(parts[:length]))
        parts = parts[length:]
    return items


def _spaced(name: str) -> str:
    return ", ".join(part.strip() for part in name.split(",") if part.strip())


def _resolve(dataset: DatasetSplits, item: str, known: Mapping[str, set[int]]) -> int:
    ids = [identifier.lower() for identifier in dataset.ids]
    if item.lower() in ids:
        return ids.index(item.lower())
    matches = known.get(item.lower(), set())
    if len(matches) > 1:
        listed = ", ".join(str(index) for index in sorted(matches))
        raise ClassSelectionError(f"class {item!r} is ambiguous; expected one of the indices {listed}")
    if matches:
        return min(matches)
    if item.isdecimal() and int(item) < len(dataset.classes):
        return int(item)
    raise ClassSelectionError(f"no class {item!r} in {dataset.name}; {_suggestion(dataset, item)}")


def _known_names(dataset: DatasetSplits) -> dict[str, set[int]]:
    """Indices of the classes that each lower-case name stands for."""
    known: dict[str, set[int]] = {}
    for index, names in enumerate(_names(dataset)):
        for name in names:
            known.setdefault(name, set()).add(index)
    return known


def _names(dataset: DatasetSplits) -> list[set[str]]:
    """All lower-case names by which each class is known: id, synonyms, and its first synonyms together."""
    names = []
    for identifier, name in zip(dataset.ids, dataset.classes, strict=True):
        synonyms = _spaced(name.lower()).split(", ")
        together = {", ".join(synonyms[:count]) for count in range(1, len(synonyms) + 1)}
        names.append({identifier.lower(), *synonyms, *together})
    return names


def _suggestion(dataset: DatasetSplits, item: str) -> str:
    """Name up to three classes that may be meant: with the word, or similar, or with the letters."""
    if item.removeprefix("-").isdecimal():
        return _expected(dataset)
    wanted = item.lower()
    known = {name: index for index, names in enumerate(_names(dataset)) for name in sorted(names)}
    containing = [name for name in known if wanted in name and len(wanted) >= SHORTEST_PART]
    with_word = [name for name in containing if wanted in name.split()]
    similar = difflib.get_close_matches(wanted, known, n=SUGGESTIONS)
    nearest = list(dict.fromkeys(known[name] for name in with_word + similar + containing))[:SUGGESTIONS]
    if nearest:
        *others, last = [repr(dataset.classes[index]) for index in nearest]
        return f"did you mean {', '.join(others)} or {last}?" if others else f"did you mean {last}?"
    return _expected(dataset)


def _expected(dataset: DatasetSplits) -> str:
    return f"expected an index from 0 to {len(dataset.classes) - 1} or one of: {_listing(dataset)}"


def _listing(dataset: DatasetSplits) -> str:
    rest = len(dataset.classes) - LISTED_CLASSES
    return ", ".join(dataset.classes[:LISTED_CLASSES]) + (f" and {rest} more" if rest > 0 else "")
