"""Files that are there completely or not at all."""

import os
from pathlib import Path

from crisp_golden.errors import CrispError


class FileNameError(CrispError):
    """A file cannot have the name that it was given."""


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` by way of a temporary name; makes the directory.

    Raises
    ------
    FileNameError : ``path`` is a directory.
    """
    if path.is_dir():
        raise FileNameError(f"{str(path)!r} is a directory; expected the name of a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
