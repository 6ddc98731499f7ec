"""Names that make and shells take as they are, for places whose own names they would take apart.

A makefile has no way to write a path with a space in it, and Verilator's are full of paths: of the build, of
its own headers, of cocotb's libraries, of this package. So what lies in such a place is reached by a link,
and what is to be built there is built in a temporary directory.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crisp_sim.errors import ToolError

_PLAIN = re.compile(r"[A-Za-z0-9_./+-]+")
_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")


def is_plain(path: Path) -> bool:
    """Whether a makefile can name ``path``: ASCII letters, digits and ``_./+-`` alone."""
    return _PLAIN.fullmatch(str(path)) is not None


def plain_path(path: Path) -> Path:
    """Return ``path``, or a link to it under a plain name, which is the same one every time.

    Raises
    ------
    ToolError : there is no place for the link.
    """
    if is_plain(path):
        return path
    link = _own_folder() / hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    if not link.is_symlink():
        temporary = link.with_name(f"{link.name}.{os.getpid()}")
        temporary.symlink_to(path)
        temporary.replace(link)
    return link


@contextmanager
def build_directory(place: Path) -> Iterator[Path]:
    """Give a new directory with a plain name, below ``place`` if that is plain; it is gone afterwards.

    Raises
    ------
    ToolError : there is no place for it.
    """
    parent = place if is_plain(place) else _own_folder()
    with tempfile.TemporaryDirectory(prefix="build-", dir=parent) as name:
        yield Path(name)


def _own_folder() -> Path:
    """A folder with a plain name that nobody else can write to."""
    for place in dict.fromkeys((tempfile.gettempdir(), *_TEMPORARY)):
        folder = Path(place) / f"crisp-{os.getuid()}"
        if not is_plain(folder) or not os.access(place, os.W_OK):
            continue
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if found.st_uid == os.getuid() and folder.is_dir() and not folder.is_symlink():
            return folder
    raise ToolError(
        "the simulator is compiled in a directory whose path has only ASCII letters, digits and _./+-; "
        f"expected TMPDIR to name one that can be written, as none of {', '.join(_TEMPORARY)} can"
    )
