"""JSON and TOML from files that anybody may have written: what is returned is safe to walk, print and write.

The parsers of the standard library end with a RecursionError on deeply nested text, and return what later
breaks others: lists nested too deeply to print, integers that no float holds, strings that are no Unicode.
"""

import json
import tomllib
from collections.abc import Callable
from typing import Any

from crisp_spec.errors import CrispError

MAX_DEPTH = 64
"""Lists and objects around a value; nothing that the project writes has more than ten."""

LOWEST, HIGHEST = -(2**63), 2**64 - 1
"""Range of integers."""


class ParseError(CrispError):
    """A text is no JSON or TOML, or goes beyond what any file of the project needs."""


def parse_json(text: str | bytes) -> Any:
    """The value that a JSON text stands for; bytes are UTF-8, UTF-16 or UTF-32.

    Raises
    ------
    ParseError : the text is not JSON, is nested deeper than 64, or has an integer of more than 64 bits or a
        string that is no Unicode.
    """
    return _checked(lambda: json.loads(text))


def parse_toml(text: str) -> dict[str, Any]:
    """The table that a TOML text stands for.

    Raises
    ------
    ParseError : as of `parse_json`.
    """
    return _checked(lambda: tomllib.loads(text))


def _checked(parse: Callable[[], Any]) -> Any:
    try:
        value = parse()
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise ParseError(str(error)) from error
    _check(value)
    return value


def _check(value: Any) -> None:
    """Raise ParseError for a value that is legal as text alone; goes down by levels, not by recursion."""
    level, depth = [value], 0
    while level:
        if depth > MAX_DEPTH:
            raise _too_deep()
        for item in level:
            _check_scalar(item)
        level = [inner for item in level for inner in _inside(item)]
        depth += 1


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else []


def _check_scalar(value: Any) -> None:
    if isinstance(value, int) and not LOWEST <= value <= HIGHEST:
        raise ParseError(f"an integer of {value.bit_length()} bits; expected at most 64")
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ParseError(f"{value!a} is no Unicode text: half of a surrogate pair") from error


def _too_deep() -> ParseError:
    return ParseError(f"nested too deeply; expected at most {MAX_DEPTH} levels")
