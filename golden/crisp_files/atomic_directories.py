"""Directories that are there completely or not at all."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from crisp_files.atomic_files import linked, make_parent, require_writable, temporary_name
from crisp_spec.errors import CrispError


class OccupiedDirectoryError(CrispError):
    """A result would take the place of something else."""


@contextmanager
def new_directory(directory: Path) -> Iterator[Path]:
    """A temporary directory beside ``directory`` that takes its place when the block ends without an error.

    What is in ``directory`` is gone then; `require_replaceable` says, before, whether it may be. A link
    stays: the directory that it leads to is replaced.

    Raises
    ------
    OutputFileError : it cannot be written.
    """
    directory = linked(directory)
    make_parent(directory)
    with temporary_name(directory) as temporary:
        try:
            temporary.mkdir()
            yield temporary
            _take_place(temporary, directory)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _take_place(new: Path, directory: Path) -> None:
    """Move ``new`` to ``directory``; what was there is back if that fails, and gone if not."""
    old = directory.with_name(f".{directory.name}.{os.getpid()}.old")
    replaced = directory.exists()
    if replaced:
        os.replace(directory, old)
    try:
        os.replace(new, directory)
    except BaseException:  # Ctrl-C, too
        if replaced:
            os.replace(old, directory)
        raise
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
    OutputFileError : as of `require_writable`.
    """
    _require_name(directory)
    if not is_free(directory):
        _require_older_result(directory, kind, files)
    require_writable(directory)


def require_own(directory: Path, kind: str, names: Sequence[str]) -> None:
    """Check, before any work is done, that a run may add to ``directory``, which holds nothing of others.

    Parameters
    ----------
    kind : what the result is called.
    names : of what an earlier or interrupted run may have left there; hidden entries are passed over.

    Raises
    ------
    OccupiedDirectoryError : something else is there, or the path has no name of its own.
    OutputFileError : as of `require_writable`.
    """
    _require_name(directory)
    if directory.exists() and not directory.is_dir():
        raise OccupiedDirectoryError(f"{directory} is no directory; expected a new or empty one")
    found = {path.name for path in directory.iterdir()} if directory.exists() else set()
    if strangers := sorted(name for name in found - set(names) if not name.startswith(".")):
        raise OccupiedDirectoryError(
            f"{directory} has {strangers[0]!r}, which is no part of a {kind}; expected a new or empty "
            "directory, or an older one"
        )
    require_writable(directory / names[0])


def _require_name(directory: Path) -> None:
    if directory.name in ("", ".."):
        raise OccupiedDirectoryError(f"{str(directory)!r} has no name; expected a path such as build/result")


def _require_older_result(directory: Path, kind: str, files: Sequence[str]) -> None:
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
