"""Threads for work that releases the interpreter's lock while it runs, as the simulated RTL does."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class Stopped(Exception):
    """Work was given up because other work failed or was interrupted."""


class SimulationThreads:
    """A pool of threads that does not outlive its block: if anything fails, the rest is given up.

    The block ends with the first error of its work, whichever result it was waiting for.

    Parameters
    ----------
    count : threads.
    name : the threads are ``<name>_0``, ``<name>_1`` and so on.
    """

    def __init__(self, count: int, name: str):
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._stopping = threading.Event()
        self._failures: list[BaseException] = []

    def __enter__(self) -> "SimulationThreads":
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            self._stopping.set()
        self._pool.shutdown(cancel_futures=error is not None)
        if isinstance(error, Stopped):
            raise self._failures[0]

    def submit(self, work: Callable[..., T], *arguments: Any) -> Future[T]:
        """Begin ``work`` as soon as a thread is free, in the order of the calls."""
        return self._pool.submit(self._guarded, work, arguments)

    def check(self) -> None:
        """Work calls this now and then.

        Raises
        ------
        Stopped : nobody waits for it any more.
        """
        if self._stopping.is_set():
            raise Stopped

    def _guarded(self, work: Callable[..., T], arguments: tuple[Any, ...]) -> T:
        self.check()
        try:
            return work(*arguments)
        except Stopped:
            raise
        except BaseException as error:
            self._failures.append(error)
            self._stopping.set()
            raise
