"""Directories that are there completely or not at all."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from crisp_golden.errors import CrispError


class OccupiedDirectoryError(CrispError):
    """A result would take the place of something else."""


@contextmanager
def new_directory(directory: Path) -> Iterator[Path]:
    """A temporary directory beside ``directory`` that takes its place when the block ends without an error.

    What is in ``directory`` is gone then; `require_replaceable` says, before, whether it may be.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    temporary = directory.with_name(f".{directory.name}.{os.getpid()}.tmp")
    old = directory.with_name(f".{directory.name}.{os.getpid()}.old")
    try:
        temporary.mkdir()
        yield temporary
        if directory.exists():
            os.replace(directory, old)
        os.replace(temporary, directory)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def require_replaceable(directory: Path, kind: str, files: Sequence[str]) -> None:
    """Check, before any work is done, that a result may go to ``directory``, and nothing else is lost.

    Parameters
    ----------
    kind : what the result is called.
    files : that it may have; by the first of them an older one is known.

    Raises
    ------
    OccupiedDirectoryError : something is there beside an older result, or the path has no name of its own.
    """
    if directory.name in ("", ".."):
        raise OccupiedDirectoryError(f"{str(directory)!r} has no name; expected a path such as build/result")
    if is_free(directory):
        return
    found = {path.name for path in directory.iterdir()} if directory.is_dir() else set()
    if files[0] not in found:
        raise OccupiedDirectoryError(
            f"{directory} exists and is no {kind}; expected a new or empty directory"
        )
    if strangers := sorted(found - set(files)):
        raise OccupiedDirectoryError(
            f"{directory} is a {kind}, but has {strangers[0]!r} too, which would be lost; expected a new or "
            "empty directory"
        )


def is_free(directory: Path) -> bool:
    """Whether nothing is there, or an empty directory."""
    return not directory.exists() or (directory.is_dir() and not any(directory.iterdir()))
