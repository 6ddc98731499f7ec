"""JSON files that are there completely or not at all."""

import json
from pathlib import Path
from typing import Any

from crisp_files.atomic_files import write_bytes
from crisp_files.input_files import read_regular
from crisp_files.json_toml import parse_json
from crisp_spec.errors import CrispError

MOST_BYTES = 1 << 28


class JsonFileError(CrispError):
    """A JSON file is absent or damaged."""


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` by way of a temporary name; makes the directory."""
    write_bytes(path, f"{json.dumps(value, indent=1)}\n".encode())


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    JsonFileError : the file is absent or not JSON.
    """
    try:
        return parse_json(read_regular(path, MOST_BYTES))
    except OSError as error:
        raise JsonFileError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise JsonFileError(f"{path}: not valid JSON ({error})") from error
