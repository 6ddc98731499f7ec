"""One run at a time on one output: the kernel holds the lock, so that none outlives its run."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from crisp_spec.errors import CrispError


class OutputInUseError(CrispError):
    """Another run writes to the same place."""


@contextmanager
def locked_output(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold ``path``, a file or directory to be written, and what is named after it, while the block runs.

    The lock is a hidden file beside it, as outputs themselves are replaced; it is gone afterwards. Where no
    such file can be made the block runs all the same: its own first write says what is wrong.

    Parameters
    ----------
    wait : until another run lets go, instead of raising.

    Raises
    ------
    OutputInUseError : another run holds it.
    """
    place = Path(os.path.realpath(path))
    lock = place.with_name(f".{place.name}.lock") if place.name else None
    made = [folder for folder in place.parents if not folder.exists()]
    descriptor = None
    try:
        if lock is not None:
            descriptor = _acquire(lock, path, wait=wait)
        yield
    finally:
        if lock is not None and descriptor is not None:
            lock.unlink(missing_ok=True)  # while it is held, so that nobody else's is removed
            os.close(descriptor)
        for folder in made:
            with suppress(OSError):  # something has been written there
                folder.rmdir()


def _acquire(lock: Path, path: Path, *, wait: bool) -> int | None:
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        while True:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_there(lock, descriptor):
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # whoever held it has removed it
    except BlockingIOError as error:
        raise OutputInUseError(
            f"{path} is being written by another run; expected another place, or to wait for its end"
        ) from error
    except OSError:
        return None


def _is_there(lock: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(lock.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
