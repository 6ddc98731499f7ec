"""JSON Schema of dataclasses as `crisp_files.json_values` writes them, with what their docstrings say."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

from crisp_files.documents import SCHEMA, VERSION, Document
from crisp_files.json_values import entries

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PLAIN = {int: "integer", float: "number", bool: "boolean", str: "string", dict: "object", Mapping: "object"}
_SECTION = re.compile(r"^(Attributes|Parameters)\n-+\n((?:.+\n?)*)", re.M)
_NAMES = re.compile(r"^(\w+(?:, \w+)*) : (.*)$")


def document_schema(kind: type[Document]) -> dict[str, Any]:
    """JSON Schema, draft 2020-12, of a kind of document."""
    definitions: dict[str, Any] = {}
    own = _object(kind, definitions)
    header = {SCHEMA: {"const": kind.SCHEMA}, VERSION: {"const": kind.VERSION}}
    return {
        "$schema": DIALECT,
        "title": f"{kind.SCHEMA}, version {kind.VERSION}",
        **own,
        "properties": {**header, **own["properties"]},
        "required": [*header, *own["required"]],
        **({"$defs": dict(sorted(definitions.items()))} if definitions else {}),
    }


def _object(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """What the object of a dataclass has; dataclasses in it go to ``definitions``."""
    texts, properties = meanings(kind), {}
    for name, entry in entries(kind).items():
        text = {"description": texts[name]} if name in texts else {}
        properties[name] = {**_schema(entry.kind, definitions), **text}
    return {
        "description": _summary(kind),
        "type": "object",
        "properties": properties,
        "required": [name for name, entry in entries(kind).items() if entry.required],
        "additionalProperties": False,
    }


def _schema(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if isinstance(kind, UnionType):
        return {"anyOf": [_schema(other, definitions) for other in arguments]}
    if kind is NoneType:
        return {"type": "null"}
    if kind is Any:
        return {}
    if is_dataclass(kind):
        name = kind.__name__  # pyright: ignore[reportAttributeAccessIssue]
        if name not in definitions:
            definitions[name] = {}  # it is under way, should it hold itself
            definitions[name] = _object(kind, definitions)
        return {"$ref": f"#/$defs/{name}"}
    if origin is tuple and arguments[-1] is Ellipsis:
        return {"type": "array", "items": _schema(arguments[0], definitions)}
    if origin is tuple:
        items = [_schema(item, definitions) for item in arguments]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (dict, Mapping) and arguments[1] is not Any:
        return {"type": "object", "additionalProperties": _schema(arguments[1], definitions)}
    return {"type": _PLAIN[origin or kind]}


def meanings(kind: Any) -> dict[str, str]:
    """What the docstrings of a dataclass, its bases and its figures say about each of its entries."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        found |= _section(inspect.cleandoc(base.__doc__ or ""))
    for name, entry in entries(kind).items():
        if entry.derived:
            found[name] = " ".join(inspect.cleandoc(getattr(kind, name).__doc__ or "").split())
    return {name: found[name] for name in entries(kind) if found.get(name)}


def _section(text: str) -> dict[str, str]:
    """The entries of a docstring's list of attributes or parameters."""
    found: dict[str, str] = {}
    names: list[str] = []
    for section in _SECTION.finditer(text):
        for line in section[2].splitlines():
            if match := _NAMES.match(line):
                names = match[1].split(", ")
                found |= dict.fromkeys(names, match[2])
            else:
                found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return found


def _summary(kind: Any) -> str:
    """What a docstring says before its sections, on one line."""
    text = inspect.cleandoc(kind.__doc__ or "")
    return " ".join(re.split(r"\n\n?(?:Attributes|Parameters|Raises)\n-+\n", text)[0].split())
