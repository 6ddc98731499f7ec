"""Files from users: opened only where they are regular files, read only up to a size.

A named pipe makes who opens it wait for a writer, a device may never end, and opening one can do something.
All of them can stand where a file is expected, under any name and behind symbolic links.
"""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

from crisp_spec.errors import CrispError

KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class InputFileError(OSError, CrispError):
    """Something is no regular file, or larger than what is read.

    It is an OSError too: who handles absent and unreadable files, by type and by ``strerror``, handles it.
    """

    def __str__(self) -> str:
        return f"{self.filename}: {self.strerror}"


def open_regular(path: str | Path, most: int | None = None) -> BufferedReader:
    """Open a regular file for reading, and nothing else; never waits.

    Parameters
    ----------
    most : bytes that it may have.

    Raises
    ------
    InputFileError : it is something else, which the message names, or larger.
    OSError : as of ``open``: it is absent, or may not be read.
    """
    _require_regular(path, os.stat(path), most)
    # What stands there may have changed since: hence no waiting, and a second look.
    file = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115
    try:
        _require_regular(path, os.fstat(file.fileno()), most)
    except InputFileError:
        file.close()
        raise
    return file


def read_regular(path: str | Path, most: int) -> bytes:
    """Content of a regular file of at most ``most`` bytes.

    Raises
    ------
    InputFileError : it is larger, or no regular file; nothing has been read.
    OSError : as of ``open``.
    """
    with open_regular(path, most) as file:
        return file.read(os.fstat(file.fileno()).st_size)


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def _require_regular(path: str | Path, status: os.stat_result, most: int | None) -> None:
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        name = KINDS.get(kind, "something else")
        raise InputFileError(errno.EINVAL, f"{name}; expected a regular file", str(path))
    if most is not None and status.st_size > most:
        raise InputFileError(errno.EFBIG, f"{status.st_size} bytes; expected at most {most}", str(path))
