"""Dataclasses to JSON and back; what is read may hold anything, so every value must have its declared type.

A dataclass is an object with an entry for each field, and one for each `figure`: what follows from the fields
is written with them, for those who read the file without this code, and must agree with them if it is there
when that is read.
"""

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, is_dataclass
from functools import cache
from math import isfinite
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

from crisp_spec.errors import CrispError

LONGEST_VALUE = 200
"""Characters of a value that a message shows: it may be a whole file."""

_LEFT_OUT = "left out of JSON where it is None"


class JsonValueError(CrispError):
    """A JSON value is not what was declared; the message says which one, and what was expected."""


class figure(property):
    """A property that JSON has beside the fields: it follows from them, and is worked out in one place."""


def known() -> Any:
    """A field that is None, and no entry of the JSON object, where it is not known."""
    return field(default=None, metadata={_LEFT_OUT: True})


@dataclass(frozen=True)
class Entry:
    """What an object of JSON has under a name.

    Attributes
    ----------
    kind : its type.
    derived : it is a figure, which follows from the fields.
    required : it is always there.
    """

    kind: Any
    derived: bool = False
    required: bool = True


@cache
def entries(kind: Any) -> dict[str, Entry]:
    """What the JSON object of a dataclass has, by name: fields in their order, then figures."""
    found = {item.name: _entry(item) for item in fields(kind)}
    for base in reversed(kind.__mro__):
        for name, value in vars(base).items():
            if isinstance(value, figure) and isinstance(getattr(kind, name), figure):
                found[name] = Entry(getattr(kind, name).fget.__annotations__["return"], derived=True)
    return found


def _entry(item: Field) -> Entry:
    return Entry(item.type, required=_LEFT_OUT not in item.metadata)


def to_json(value: Any) -> Any:
    """Convert a value to JSON types: dataclasses and mappings to objects, sequences to lists."""
    if is_dataclass(value):
        named = {name: (entry, getattr(value, name)) for name, entry in entries(type(value)).items()}
        return {
            name: to_json(item) for name, (entry, item) in named.items() if entry.required or item is not None
        }
    if isinstance(value, Mapping):
        return {str(name): to_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise TypeError(f"{value!r} is none of the types that JSON has")


def from_json(kind: Any, value: Any, name: str) -> Any:
    """Convert ``value``, called ``name`` in messages, to ``kind``.

    Parameters
    ----------
    kind : int, float, bool, str, a literal, Any, a tuple, a dict or mapping by strings, a dataclass, or one
        of these or None.

    Raises
    ------
    JsonValueError : a value has another type, or is none of the literals; an entry is missing or unknown; or
        a figure does not follow from the fields.
    CrispError : a dataclass refuses its values.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if isinstance(kind, UnionType):
        (some,) = (other for other in arguments if other is not NoneType)
        return None if value is None else from_json(some, value, name)
    if kind is Any:
        return value
    if is_dataclass(kind):
        return _dataclass(kind, value, name)
    if origin is tuple:
        return _tuple(arguments, value, name)
    if origin is Literal:
        _expect(value in arguments, name, f"one of {', '.join(map(repr, arguments))}", value)
        return value
    if origin in (dict, Mapping) and arguments[1] is not Any:
        _expect(type(value) is dict, name, "an object", value)
        return {key: from_json(arguments[1], item, f"{name}.{key}") for key, item in value.items()}
    plain = dict if (origin or kind) in (dict, Mapping) else origin or kind
    if plain is float and type(value) is int:
        return float(value)
    _expect(type(value) is plain, name, plain.__name__, value)
    _expect(plain is not float or isfinite(value), name, "a finite number", value)
    return value


def entries_from_json(kinds: Mapping[str, Any], value: Any, name: str) -> dict[str, Any]:
    """Convert an object that has exactly the entries ``kinds``; see ``from_json``."""
    return _object({key: Entry(kind) for key, kind in kinds.items()}, value, name)


def _dataclass(kind: Any, value: Any, name: str) -> Any:
    found = entries(kind)
    converted = _object(found, value, name)
    made = kind(**{key: item for key, item in converted.items() if not found[key].derived})
    for key in converted:
        if found[key].derived and getattr(made, key) != converted[key]:
            raise JsonValueError(
                f"`{name}.{key}` must be {getattr(made, key)!r}, which follows from the other figures, not "
                f"{converted[key]!r}"
            )
    return made


def _object(found: Mapping[str, Entry], value: Any, name: str) -> dict[str, Any]:
    _expect(type(value) is dict, name, "an object", value)
    required = {key for key, entry in found.items() if entry.required and not entry.derived}
    _expect(
        required <= value.keys() <= found.keys(), name, f"an object of {', '.join(found)}", ", ".join(value)
    )
    return {key: from_json(found[key].kind, item, f"{name}.{key}") for key, item in value.items()}


def _tuple(kinds: tuple[Any, ...], value: Any, name: str) -> tuple[Any, ...]:
    _expect(type(value) is list, name, "a list", value)
    if kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(value)
    _expect(len(value) == len(kinds), name, f"a list of {len(kinds)}", value)
    items = enumerate(zip(kinds, value, strict=True))
    return tuple(from_json(kind, item, f"{name}[{place}]") for place, (kind, item) in items)


def _expect(holds: bool, name: str, expected: str, found: Any) -> None:
    if not holds:
        text = repr(found)
        text = text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."
        raise JsonValueError(f"`{name}` must be {expected}, not {text}")
