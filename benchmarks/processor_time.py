"""Times that other work on the machine hardly disturbs: of the processor, and the fastest of several runs."""

import time
from collections.abc import Callable, Sequence


def fastest(calls: Sequence[Callable[[], object]], *, runs: int) -> list[float]:
    """Return the processor's seconds of the fastest run of each call; the calls take turns."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(runs):
        for call, taken in zip(calls, times, strict=True):
            started = time.process_time()
            call()
            taken.append(time.process_time() - started)
    return [min(taken) for taken in times]
