"""What a loader may do with any input at all: return, or refuse it in a sentence; soon, in little memory."""

import resource
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from crisp_files.printable import printable
from crisp_spec.errors import CrispError

SECONDS = 5.0
"""Of processor time, so that a busy machine finds nothing that is not there."""

ADDRESS_SPACE, RESIDENT = 2 << 30, 768 << 20
"""Bytes that a call may reserve, and that it may fill: pictures of the largest size take 0.7 GB."""

STATM = Path("/proc/self/statm")


class Misbehaviour(Exception):
    """A loader was too slow, took too much memory, or said nothing that a user could read."""


class _OutOfTime(BaseException):
    """Raised within a loader; no `Exception`, which loaders take for damage."""


def run_guarded(load: Callable[[bytes], object], data: bytes) -> None:
    """Feed ``data`` to a loader, and return if it behaves.

    It behaves if it returns, or raises a CrispError with a message, or an OSError that names a file.

    Raises
    ------
    Exception : whatever else it raises, or Misbehaviour.
    """
    try:
        with _limited_time(SECONDS), _limited_memory(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", RuntimeWarning)  # NumPy's, for arithmetic that went wrong
            load(data)
    except _OutOfTime as error:
        raise Misbehaviour(f"more than {SECONDS:g} s of processor time") from error
    except CrispError as error:
        if _lacked_memory(error):
            raise Misbehaviour(f"more than {ADDRESS_SPACE} bytes of memory reserved") from error
        if not printable(str(error)).strip():
            raise Misbehaviour(f"{type(error).__name__} without a message") from error
    except OSError as error:
        if not (error.filename and error.strerror):
            raise


@contextmanager
def _limited_time(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise _OutOfTime

    previous = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)


@contextmanager
def _limited_memory() -> Iterator[None]:
    """Bound what the process reserves, and find out whether it filled more than it may."""
    before = _peak()
    with _limited_address_space() if STATM.exists() else nullcontext():
        yield
    # The peak is that of the whole life of the process: what raises it by more than the bound took more.
    if _peak() - before > RESIDENT:
        raise Misbehaviour(f"more than {RESIDENT} bytes of memory filled")


@contextmanager
def _limited_address_space() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = int(STATM.read_text().split()[0]) * resource.getpagesize() + ADDRESS_SPACE
    limits = [limit for limit in (soft, hard, wanted) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min(limits), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _peak() -> int:
    """Most bytes that the process has ever filled."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _lacked_memory(error: BaseException | None) -> bool:
    """Whether memory that could not be had is the cause; Torch says so in words alone."""
    while error is not None:
        if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
