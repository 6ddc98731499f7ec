"""Results as JSON documents: each says which schema it follows, and which version of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from crisp_files.atomic_files import write_bytes
from crisp_files.json_files import read_json
from crisp_files.json_values import from_json, to_json
from crisp_spec.errors import CrispError

SCHEMA, VERSION = "schema", "version"
"""Entries that every document begins with."""


class DocumentError(CrispError):
    """A document is of another schema or version, or does not have what its version says."""


class Document:
    """A frozen dataclass that is a whole JSON document, as in ``class Box(Document, schema="b", version=1)``.

    Attributes
    ----------
    SCHEMA : its name; documents of one kind have one.
    VERSION : from 1; raised when an entry changes its name, its type or its meaning, or goes.
    """

    SCHEMA: ClassVar[str]
    VERSION: ClassVar[int]

    def __init_subclass__(cls, *, schema: str, version: int):
        cls.SCHEMA, cls.VERSION = schema, version


D = TypeVar("D", bound=Document)


def document_json(document: Document) -> dict[str, Any]:
    """The document as JSON types, its schema and version first."""
    return {SCHEMA: document.SCHEMA, VERSION: document.VERSION, **to_json(document)}


def document_text(document: Document) -> str:
    """The document as the text of its file."""
    return f"{json.dumps(document_json(document), indent=1)}\n"


def write_document(path: Path, document: Document) -> None:
    """Write a document by way of a temporary name; makes the directory."""
    write_bytes(path, document_text(document).encode())


def read_document(kind: type[D], path: Path) -> D:
    """Read the document of a file.

    Raises
    ------
    JsonFileError : the file is absent or not JSON.
    DocumentError : as of `document_from_json`.
    """
    return document_from_json(kind, read_json(path), str(path))


def document_from_json(kind: type[D], value: Any, name: str) -> D:
    """The document that a JSON value is. One without a version, as before there were any, must fit as it is.

    Parameters
    ----------
    name : of the document, for messages.

    Raises
    ------
    DocumentError : it is of another schema or version, or not what that version says.
    """
    if not isinstance(value, Mapping):
        raise DocumentError(f"{name}: expected a JSON object, not {value!r}")
    found = f"{value[SCHEMA]!r} of version {value.get(VERSION)!r}" if SCHEMA in value else "without a version"
    expected = f"{kind.SCHEMA!r} of version {kind.VERSION}"
    if SCHEMA in value and (value[SCHEMA], value.get(VERSION)) != (kind.SCHEMA, kind.VERSION):
        raise DocumentError(f"{name}: {found}; expected {expected}")
    header = (SCHEMA, VERSION) if SCHEMA in value else ()
    entries = {key: entry for key, entry in value.items() if key not in header}
    try:
        return from_json(kind, entries, kind.SCHEMA)
    except CrispError as error:
        raise DocumentError(f"{name}: {found}; expected {expected}: {error}") from error
