"""Beats of a load whose rows are shorter than ``dma_timing.ROW_CYCLES``, followed one by one.

Addresses of such a load come slower than its data, so beats queue up as far as the bus. Every event of a beat
follows from those of the beats before it; the names are those of the hardware, ``hw/crisp_hw/bus`` and
``hw/crisp_hw/control``.
"""

from collections import deque

from crisp_spec.dma_latencies import (
    LOAD_END,
    LOAD_START,
    LOAD_WRITE,
    QUEUE_BEATS,
    ROW_CYCLES,
)

LONG_AGO = -(1 << 30)


class NarrowLoad:
    """The read channel from the start of a load of narrow rows on, until no beat waits any more.

    Parameters
    ----------
    start : cycle 0 of the command, see ``dma_timing``.
    row_beats : beats of a row, fewer than ``ROW_CYCLES``.

    Attributes
    ----------
    taken : cycle in which the last beat went to its client: load or fetch.
    """

    def __init__(self, start: int, row_beats: int):
        self.row_beats = row_beats
        self.taken = LONG_AGO
        self._popped = _recent(QUEUE_BEATS)
        self._written = _recent(QUEUE_BEATS)
        self._stalls: deque[tuple[int, int]] = deque(maxlen=2)
        self._beat = 0
        self._advanced = start + LOAD_START
        self._settled = self._advanced + ROW_CYCLES

    @property
    def end(self) -> int:
        """End of the load, if its last beat has passed."""
        return self._written[-1] + LOAD_END - LOAD_WRITE

    def pass_fetched(self, offered: int) -> int:
        """Let through a beat of commands that the bus offers from cycle ``offered`` on; return when it is
        taken from there.
        """
        return self._pass(offered, LONG_AGO)

    def pass_loaded(self, offered: int) -> int:
        """Let through a beat of the load in the same way, and write it."""
        bus = self._pass(offered, self._written[0])
        self._written.append(max(self.taken + 2, self._address() + 1, self._written[-1] + 1))
        return bus

    def _pass(self, offered: int, room: int) -> int:
        """Through the reader's queue and its output register to a client with room since cycle ``room``."""
        bus = max(offered, self._popped[0] + 1)
        popped = max(bus + 1, self.taken)
        self._popped.append(popped)
        self.taken = max(popped + 1, room)
        return bus

    def _address(self) -> int:
        """When the address of the next beat is there: two steps of the walker, and the queue behind it."""
        self._beat += 1
        ends_row = self._beat % self.row_beats == 0
        advanced = self._flowing(max(self._advanced + 1, self._settled if ends_row else LONG_AGO))
        if ends_row:
            self._settled = advanced + ROW_CYCLES
        self._advanced = advanced
        offered = self._flowing(advanced + 1) + 1
        queued = max(offered, self._written[0])
        self._stalls.append((offered, queued))
        return queued + 1

    def _flowing(self, time: int) -> int:
        """First cycle from ``time`` on in which the walker is not held up by a full queue."""
        for begin, end in self._stalls:
            if begin <= time < end:
                time = end
        return time


def _recent(length: int) -> deque[int]:
    return deque([LONG_AGO] * length, maxlen=length)
