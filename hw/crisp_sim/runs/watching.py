"""What a bench has measured so far, told while it runs."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crisp_sim.runs.parameters import read_measurements

MeasurementsCallback = Callable[[Mapping[str, Any]], None]
SECONDS = 0.5


def ignore_measurements(measurements: Mapping[str, Any]) -> None:
    """For those who wait for the end."""


@contextmanager
def watched(path: Path, report: MeasurementsCallback) -> Iterator[None]:
    """Call ``report`` with all that is in ``path`` whenever there is more, as long as the block runs.

    It is called from a thread of its own, and for the last time before the block is left.
    """
    over = threading.Event()

    def watch() -> None:
        seen: dict[str, Any] = {}
        last = False
        while not last:
            last = over.wait(SECONDS)
            found = read_measurements(path)
            if found != seen:
                seen = found
                report(found)

    thread = threading.Thread(target=watch, name="watching")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
