"""Dataclasses from JSON that may hold anything: every value must have the type that its field declares."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, get_args, get_origin

from crisp_spec.errors import CrispError


class JsonValueError(CrispError):
    """A JSON value is not what was declared; the message says which one, and what was expected."""


def from_json(kind: Any, value: Any, name: str) -> Any:
    """Convert ``value``, called ``name`` in messages, to ``kind``.

    Parameters
    ----------
    kind : int, bool, str, dict, a tuple, a dataclass, or one of these or None.

    Raises
    ------
    JsonValueError : a value has another type, or an entry is missing or unknown.
    CrispError : a dataclass refuses its values.
    """
    if isinstance(kind, UnionType):
        return None if value is None else from_json(get_args(kind)[0], value, name)
    if is_dataclass(kind):
        kinds = {field.name: field.type for field in fields(kind)}
        return kind(**entries_from_json(kinds, value, name))  # pyright: ignore[reportCallIssue]
    if get_origin(kind) is tuple:
        return _tuple(get_args(kind), value, name)
    plain = get_origin(kind) or kind
    _expect(type(value) is plain, name, plain.__name__, value)
    return value


def entries_from_json(kinds: Mapping[str, Any], value: Any, name: str) -> dict[str, Any]:
    """Convert an object that has exactly the entries ``kinds``; see ``from_json``."""
    _expect(type(value) is dict, name, "an object", value)
    _expect(value.keys() == kinds.keys(), name, f"an object of {', '.join(kinds)}", ", ".join(value))
    return {key: from_json(kind, value[key], f"{name}.{key}") for key, kind in kinds.items()}


def _tuple(kinds: tuple[Any, ...], value: Any, name: str) -> tuple[Any, ...]:
    _expect(type(value) is list, name, "a list", value)
    if kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(value)
    _expect(len(value) == len(kinds), name, f"a list of {len(kinds)}", value)
    items = enumerate(zip(kinds, value, strict=True))
    return tuple(from_json(kind, item, f"{name}[{place}]") for place, (kind, item) in items)


def _expect(holds: bool, name: str, expected: str, found: Any) -> None:
    if not holds:
        raise JsonValueError(f"`{name}` must be {expected}, not {found!r}")
