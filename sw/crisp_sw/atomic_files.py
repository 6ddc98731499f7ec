"""Files that are there completely or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crisp_golden.errors import CrispError


class FileNameError(CrispError):
    """A file cannot have the name that it was given."""


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A name beside ``path`` for a file that takes its place when the block ends without an error.

    Makes the directory.

    Raises
    ------
    FileNameError : ``path`` is a directory.
    """
    if path.is_dir():
        raise FileNameError(f"{str(path)!r} is a directory; expected the name of a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` as :func:`new_file` does."""
    with new_file(path) as temporary:
        temporary.write_bytes(data)
