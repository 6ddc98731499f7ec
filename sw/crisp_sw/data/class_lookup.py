"""Choosing classes of a data set by index, id or name."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from crisp_sw.data.dataset import DatasetSplits
from crisp_sw.errors import ClassSelectionError

LISTED_CLASSES = 20
SUGGESTIONS = 3
SHORTEST_PART = 3


def resolve_classes(
    dataset: DatasetSplits, wanted: str | Sequence[str | int], *, by_index: bool = True
) -> tuple[int, ...]:
    """Turn what a user typed into class indices.

    Ids and names are matched as they are spelled. Letter case and spaces do not matter where nothing is
    spelled so, and a number is an index where nothing is called so.

    Parameters
    ----------
    wanted : "sneaker,bag,coat", or a sequence of names, ids and indices. Of a name with synonyms ("goldfish,
        Carassius auratus") each is accepted, and the first ones together: at every place the longest name
        that there is counts.
    by_index : whether "7" may mean the class of index 7.

    Returns
    -------
    Indices in the order given.

    Raises
    ------
    ClassSelectionError : nothing is named, a name is empty, or a class is unknown, ambiguous or named twice.
    """
    names = _Names.of(dataset)
    if isinstance(wanted, str):
        parts = wanted.split(",")
        _require_named(dataset, parts)
        items: Sequence[str | int] = _join(parts, names)
    else:
        items = wanted
        _require_named(dataset, items)
    indices = [_resolve(dataset, item, names, by_index) for item in items]
    for position, index in enumerate(indices):
        if index in indices[:position]:
            name = str(items[position]).strip()
            raise ClassSelectionError(f"class {name!r} is given twice; expected each class once")
    return tuple(indices)


def _require_named(dataset: DatasetSplits, items: Sequence[str | int]) -> None:
    empty = [position for position, item in enumerate(items, 1) if not str(item).strip()]
    if len(empty) == len(items):
        raise ClassSelectionError(f"no classes given; expected some of: {_listing(dataset)}")
    if empty:
        raise ClassSelectionError(
            f"name {empty[0]} of {','.join(map(str, items))!r} is empty; expected a class in its place"
        )


@dataclass(frozen=True)
class _Names:
    """Indices of the classes that each spelling stands for.

    Attributes
    ----------
    ids, exact : identifiers; and names, whole or in part, as the data set spells them.
    near : all of both without regard to letter case and spaces.
    most_parts : of a name, between its commas.
    """

    ids: dict[str, list[int]]
    exact: dict[str, list[int]]
    near: dict[str, list[int]]
    most_parts: int

    @classmethod
    def of(cls, dataset: DatasetSplits) -> Self:
        """Collect the names of all classes."""
        ids = [{identifier} for identifier in dataset.ids]
        exact = [_spellings(name) for name in dataset.classes]
        near = [{_near(name) for name in a | b} for a, b in zip(ids, exact, strict=True)]
        most_parts = max(name.count(",") + 1 for names in (*ids, *exact) for name in names)
        return cls(_indices(ids), _indices(exact), _indices(near), most_parts)

    def find(self, item: str) -> list[int]:
        """Classes of that name: of that spelling if there are any, else of a near one."""
        spelled = (item, _trimmed(item))
        keys = [(table, key) for table in (self.ids, self.exact) for key in spelled]
        return next((table[key] for table, key in keys if key in table), self.near.get(_near(item), []))


def _spellings(name: str) -> set[str]:
    """A name as it is, each of its synonyms, and its first synonyms together."""
    synonyms = _trimmed(name).split(", ")
    return {name, *synonyms, *(", ".join(synonyms[:count]) for count in range(1, len(synonyms) + 1))}


def _trimmed(name: str) -> str:
    return ", ".join(part.strip() for part in name.split(",") if part.strip())


def _near(name: str) -> str:
    return " ".join(_trimmed(name).casefold().split())


def _indices(names_of_classes: Iterable[set[str]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for index, names in enumerate(names_of_classes):
        for name in sorted(names):
            found.setdefault(name, []).append(index)
    return found


def _join(parts: list[str], names: _Names) -> list[str]:
    """Items of a comma-separated list, some of which have commas themselves."""
    items = []
    while parts:
        lengths = range(min(len(parts), names.most_parts), 1, -1)
        length = next((n for n in lengths if names.find(",".join(parts[:n]))), 1)
        items.append(",".join(parts[:length]))
        parts = parts[length:]
    return items


def _resolve(dataset: DatasetSplits, item: str | int, names: _Names, by_index: bool) -> int:
    matches = names.find(item) if isinstance(item, str) else []
    if len(matches) > 1:
        raise ClassSelectionError(_ambiguity(dataset, str(item).strip(), matches))
    if matches:
        return matches[0]
    text = _trimmed(str(item))
    indices = {str(index): index for index in range(len(dataset.classes))} if by_index else {}
    if text in indices:
        return indices[text]
    raise ClassSelectionError(f"no class {text!r} in {dataset.name}; {_suggestion(dataset, text, names)}")


def _ambiguity(dataset: DatasetSplits, item: str, matches: Sequence[int]) -> str:
    classes = [
        f"{dataset.classes[index]!r} (id {dataset.ids[index]!r}, index {index})"
        for index in matches[:LISTED_CLASSES]
    ]
    return f"class {item!r} is ambiguous: {' or '.join(classes)}; expected one of these ids or indices"


def _suggestion(dataset: DatasetSplits, item: str, names: _Names) -> str:
    """Name up to three classes that may be meant: with the word, or similar, or with the letters."""
    if item.removeprefix("-").isdecimal():
        return _expected(dataset)
    wanted = _near(item)
    known = {name: indices[0] for name, indices in names.near.items()}
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
