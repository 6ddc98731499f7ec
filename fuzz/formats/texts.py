"""JSON, TOML, and texts of any language as lists of their words."""

import json
import re
import tomllib
from typing import Any

from fuzz.formats.format import Format

WORD = re.compile(r"\w+|\s|[^\w\s]")


def _read_words(data: bytes) -> list[str]:
    return WORD.findall(data.decode())


def _write_words(tree: Any) -> bytes:
    words = tree if isinstance(tree, list) else [tree]
    return "".join(str(word) for word in words).encode(errors="surrogatepass")


def write_json(tree: Any) -> bytes:
    """JSON with what JSON does not know, such as NaN, as Python writes it."""
    return json.dumps(tree).encode()


def _read_toml(data: bytes) -> dict[str, Any]:
    return tomllib.loads(data.decode())


def _write_toml(tree: Any) -> bytes:
    lines = (f"{json.dumps(key)} = {_toml(value)}" for key, value in tree.items())
    return "\n".join(lines).encode()


def _toml(value: Any) -> str:
    """A value on one line; strings are JSON's."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return str(value) if isinstance(value, float) else json.dumps(value)


JSON = Format(json.loads, write_json)
TOML = Format(_read_toml, _write_toml)
WORDS = Format(_read_words, _write_words)
