"""Files that are there completely or not at all."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from crisp_spec.errors import CrispError

PROBE_BYTES = 4096


class FileNameError(CrispError):
    """A file cannot have the name that it was given."""


class OutputFileError(OSError, CrispError):
    """A file cannot be written: the disk is full, may not be written to, or is damaged.

    It is an OSError too, with ``errno``, ``strerror`` and ``filename``.
    """

    def __str__(self) -> str:
        return f"{self.filename}: cannot be written ({self.strerror})"


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A name beside ``path`` for a file that takes its place when the block ends without an error.

    Makes the directory. A link stays: the file that it leads to is replaced.

    Raises
    ------
    FileNameError : ``path`` is a directory, or a device or the like, which a file would replace.
    OutputFileError : it cannot be written.
    """
    path = linked(path)
    _require_file(path)
    make_parent(path)
    with temporary_name(path) as temporary:
        try:
            yield temporary
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` as :func:`new_file` does."""
    with new_file(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> Path:
    """Write ``text`` as UTF-8, lines ended by a line feed, as :func:`new_file` does; return ``path``."""
    write_bytes(path, text.encode())
    return path


def require_new_file(path: Path) -> None:
    """Check, before any work is done, that a file can be written to ``path``.

    Raises
    ------
    FileNameError : as of :func:`new_file`.
    OutputFileError : as of `require_writable`.
    """
    _require_file(path)
    require_writable(path)


def require_writable(path: Path) -> None:
    """Check that a file or directory can be written to ``path``, by writing beside it; leaves nothing behind.

    Raises
    ------
    OutputFileError : it cannot.
    """
    path = linked(path)
    made = [folder for folder in path.parents if not os.path.exists(folder)]
    try:
        make_parent(path)
        with temporary_name(path) as temporary:
            try:
                temporary.write_bytes(bytes(PROBE_BYTES))
            finally:
                temporary.unlink(missing_ok=True)
    finally:
        for folder in made:
            with suppress(OSError, ValueError):  # it was not made, or somebody else uses it by now
                folder.rmdir()


def make_parent(path: Path) -> None:
    """Make the directory that ``path`` is in, unless it is there.

    Raises
    ------
    OutputFileError : it cannot be made, such as where a file is in its place.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OutputFileError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from error
    except OSError as error:
        raise OutputFileError(error.errno, error.strerror, str(path)) from error
    except ValueError as error:  # a zero byte
        raise OutputFileError(errno.EINVAL, str(error), repr(str(path))) from error


@contextmanager
def temporary_name(path: Path) -> Iterator[Path]:
    """A hidden name beside ``path`` for what is to take its place; errors of writing there name ``path``.

    Raises
    ------
    OutputFileError : the block has raised an OSError that is not of some other file.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
    except OSError as error:
        place = temporary if error.filename is None else Path(os.fsdecode(error.filename))
        if not place.is_relative_to(temporary):
            raise
        final = path / place.relative_to(temporary)
        raise OutputFileError(error.errno, error.strerror or str(error), str(final)) from error


def linked(path: Path) -> Path:
    """Where ``path`` leads if it is a link, else ``path``."""
    return Path(os.path.realpath(path)) if os.path.islink(path) else path


def _require_file(path: Path) -> None:
    if os.path.isdir(path):  # unlike that of a Path, never an error
        raise FileNameError(f"{str(path)!r} is a directory; expected the name of a file")
    if os.path.exists(path) and not os.path.isfile(path):
        raise FileNameError(f"{str(path)!r} is no regular file; expected the name of a file to be written")
