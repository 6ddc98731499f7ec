"""Edits that turn something legal into something that nearly is: of bytes, and of trees of values.

A tree consists of dicts and lists around numbers, texts, bytes and None: what a format (`fuzz.formats`) reads
out of a file. Edits of trees reach further into a loader than those of bytes, as the format then writes sizes
and checksums that fit.
"""

import copy
import struct
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from fuzz.formats.format import Format

EDITS = (1, 1, 1, 2, 3, 4)
"""How many edits an input has."""

NUMBERS = (
    *(0, 1, 2, 3, 4, 5, 7, 8, 16, 255, 256, 1000, -1, -2, -128, -129),
    *(2**bits + more for bits in (15, 16, 24, 31, 32, 40, 53, 63, 64) for more in (-1, 0)),
    *(-(2**31), -(2**31) - 1, -(2**63), -(2**63) - 1, 2**100),
    *(0.5, -0.5, 1.5, 1e-300, 1e-45, 1e38, 1e39, 1e308, float("inf"), float("-inf"), float("nan")),
)
TEXTS = (
    *(
        "",
        " ",
        "\0",
        "\n",
        "\t",
        ",",
        "..",
        "/",
        "../x",
        "a.b",
        "0",
        "-1",
        "1e999",
        "nan",
        "None",
        "ä",
        "名",
        "²",
    ),
    *(
        "\ud800",
        "\u202e",
        "\x1b[31m",
        "[/red]",
        "<b>",
        "%s",
        "{0}",
        "*",
        "[",
        "\\",
        '"',
        "9" * 5000,
        "x" * 300,
    ),
)
OTHERS = (None, True, False, [], {}, [0], [""], {"": 0}, [None], [[]], [{}])
DEEP = 200
"""Levels of nesting, more than any loader takes."""
TOKENS = (
    b"",
    b"\0",
    b"\0" * 64,
    b"\xff" * 64,
    b"[" * 100_000,
    b'{"":' * 20_000,
    b"\r\n",
    b"\xef\xbb\xbf",
    b"9" * 5000,
)


def edited(kind: Format, seeds: Sequence[bytes]) -> SearchStrategy[bytes]:
    """Seeds of a format, edited inside mostly, and sometimes as bytes.

    Raises
    ------
    ValueError : the format does not read what it writes.
    """
    trees = [kind.read(seed) for seed in seeds]
    for tree, seed in zip(trees, seeds, strict=True):
        if kind.read(kind.write(copy.deepcopy(tree))) != tree:
            raise ValueError(f"expected a format that reads what it writes: {seed[:100]!r}")
    as_trees = edited_trees(trees).map(partial(_write_or_reject, kind))
    return st.integers(0, 7).flatmap(lambda die: edited_bytes(seeds) if die == 7 else as_trees)


def _write_or_reject(kind: Format, tree: Any) -> bytes:
    """The bytes of a tree; what the format cannot express is no input."""
    try:
        return kind.write(tree)
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
        struct.error,
    ):
        reject()


def edited_bytes(seeds: Sequence[bytes]) -> SearchStrategy[bytes]:
    """Seeds after up to four edits of their bytes."""

    @st.composite
    def edited_seed(draw: DrawFn) -> bytes:
        data = _choose(draw, seeds)
        for _ in range(draw(st.sampled_from(EDITS))):
            data = _edit_bytes(draw, data)
        return data

    return edited_seed()


def edited_trees(trees: Sequence[Any]) -> SearchStrategy[Any]:
    """Trees after up to four edits."""

    @st.composite
    def edited_tree(draw: DrawFn) -> Any:
        root = [copy.deepcopy(_choose(draw, trees))]
        for _ in range(draw(st.sampled_from(EDITS))):
            places = list(_places(root))
            container, key = _choose(draw, places) if draw(st.booleans()) else _walk(draw, root)
            draw(st.sampled_from(_TREE_EDITS))(draw, container, key, places)
            if not root:  # the whole tree was taken out
                root.append(None)
        return root[0]

    return edited_tree()


def _choose(draw: DrawFn, items: Sequence[Any]) -> Any:
    """One of items that are too large to be printed, which `sampled_from` does."""
    return items[draw(st.integers(0, len(items) - 1))]


def _edit_bytes(draw: DrawFn, data: bytes) -> bytes:
    start = draw(st.integers(0, len(data)))
    size = draw(st.sampled_from((1, 2, 4, 8, 64, 1024)))
    match draw(st.sampled_from(("change", "integer", "cut", "end", "repeat", "insert", "token"))):
        case "change":
            return _put(data, start, draw(st.binary(min_size=1, max_size=8)))
        case "integer":
            number = int(draw(st.sampled_from(NUMBERS[:30]))) % 256**size
            return _put(data, start, number.to_bytes(size, draw(st.sampled_from(("little", "big")))))
        case "cut":
            return data[:start] + data[start + size :]
        case "end":
            return data[:start]
        case "repeat":
            return data[:start] + data[start : start + size] * 2 + data[start + size :]
        case "insert":
            return data[:start] + draw(st.binary(min_size=1, max_size=8)) + data[start:]
        case _:
            return data[:start] + draw(st.sampled_from(TOKENS)) + data[start:]


def _put(data: bytes, start: int, new: bytes) -> bytes:
    return data[:start] + new + data[start + len(new) :]


Place = tuple[Any, Any]
"""A dict or list, and the key or index of one of its values."""


def _places(root: Any) -> Iterator[Place]:
    level = [root]
    while level:
        containers = level
        level = []
        for container in containers:
            keys = list(container) if isinstance(container, dict) else range(len(container))
            for key in keys:
                yield container, key
                if isinstance(container[key], dict | list):
                    level.append(container[key])


def _walk(draw: DrawFn, root: list[Any]) -> Place:
    """A place whose chance does not depend on how much lies beside it."""
    container, key = root, 0
    while isinstance(container[key], dict | list) and container[key] and draw(st.integers(0, 3)):
        container = container[key]
        key = _choose(draw, list(container) if isinstance(container, dict) else range(len(container)))
    return container, key


def _replace(draw: DrawFn, container: Any, key: Any, _: Sequence[Place]) -> None:
    values = draw(st.sampled_from((NUMBERS, TEXTS, OTHERS)))
    container[key] = copy.deepcopy(draw(st.sampled_from(values)))


def _vary(draw: DrawFn, container: Any, key: Any, places: Sequence[Place]) -> None:
    """Another value of the same type."""
    match container[key]:
        case bool(value):
            container[key] = not value
        case int(value):
            step = draw(st.sampled_from((1, -1, 2, 8, 100)))
            container[key] = draw(st.sampled_from((value + step, value * step, -value, *NUMBERS[:40])))
        case float(value):
            container[key] = draw(st.sampled_from((-value, value * 1000, *NUMBERS)))
        case str(value):
            container[key] = draw(st.sampled_from((value + "x", value[1:], value.upper(), *TEXTS)))
        case bytes(value):
            container[key] = _edit_bytes(draw, value)
        case _:
            _replace(draw, container, key, places)


def _copy_other(draw: DrawFn, container: Any, key: Any, places: Sequence[Place]) -> None:
    """A value from elsewhere in the tree."""
    other, name = _choose(draw, places)
    container[key] = copy.deepcopy(other[name])


def _remove(draw: DrawFn, container: Any, key: Any, _: Sequence[Place]) -> None:
    del container[key]


def _repeat(draw: DrawFn, container: Any, key: Any, _: Sequence[Place]) -> None:
    again = copy.deepcopy(container[key])
    if isinstance(container, list):
        container.insert(key, again)
    else:
        container[draw(st.sampled_from((f"{key}.", "", "name", "\ud800")))] = again


def _rename(draw: DrawFn, container: Any, key: Any, _: Sequence[Place]) -> None:
    if isinstance(container, dict):
        container[draw(st.sampled_from((*TEXTS, *container)))] = container.pop(key)
    else:
        container.append(container.pop(key))


def _nest(draw: DrawFn, container: Any, key: Any, _: Sequence[Place]) -> None:
    for _level in range(draw(st.sampled_from((1, DEEP)))):
        container[key] = draw(st.just([container[key]]))


_TREE_EDITS: tuple[Callable[[DrawFn, Any, Any, Sequence[Place]], None], ...] = (
    *(_vary, _vary, _vary, _vary, _replace, _replace, _copy_other, _remove, _repeat, _rename, _nest),
)
