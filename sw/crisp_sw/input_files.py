"""Files from users: opened only where they are regular files, read only up to a size.

A named pipe makes who opens it wait for a writer, a device may never end, and opening one can do something.
All of them can stand where a file is expected, under any name and behind symbolic links.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from crisp_golden.errors import CrispError

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


def open_regular(path: str | Path) -> BinaryIO:
    """Open a regular file for reading, and nothing else; never waits.

    Raises
    ------
    InputFileError : it is something else, which the message names.
    OSError : as of ``open``: it is absent, or may not be read.
    """
    _require_regular(path, os.stat(path))
    return open(path, "rb", opener=_open_descriptor)


def read_regular(path: str | Path, most: int) -> bytes:
    """Content of a regular file of at most ``most`` bytes.

    Raises
    ------
    InputFileError : it is larger, or no regular file; nothing has been read.
    OSError : as of ``open``.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise InputFileError(errno.EFBIG, f"{size} bytes; expected at most {most}", str(path))
        return file.read(size)


def _open_descriptor(path: str, flags: int) -> int:
    """Open what may have changed since it was looked at: without waiting, and with a second look."""
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        _require_regular(path, os.fstat(descriptor))
    except InputFileError:
        os.close(descriptor)
        raise
    return descriptor


def _require_regular(path: str | Path, status: os.stat_result) -> None:
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        name = KINDS.get(kind, "something else")
        raise InputFileError(errno.EINVAL, f"{name}; expected a regular file", str(path))
