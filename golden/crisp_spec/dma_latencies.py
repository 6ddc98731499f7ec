"""Cycles of dispatch and transfers: the part of the contract that makes programs predictable.

Everything is deterministic once the memory's behaviour is known. "On the bus" means the cycle of the
handshake on an AXI channel when the other side is ready. The cycles of a program count from 0 in the cycle
that the counter ``total`` counts first.

A program: the first read of commands is on the bus in cycle ``FETCH_START``. A command's beats pass into the
dispatcher ``FETCH_LATENCY`` cycles after they were on the bus, one per cycle, while it is filling. The
command is handed over ``CHECK_CYCLES + 1`` cycles after its last beat, and in the next cycle the dispatcher
fills again, so commands come at least ``dispatch_interval`` cycles apart. A command reaches the head of an
idle engine ``QUEUE_LATENCY`` cycles after it was handed over.

An engine: a command whose tokens are there takes them in the first cycle that it is at the head, here called
cycle 0. The cycle in which it puts its own tokens down is its end. One cycle after it they can be taken,
and ``HEAD_INTERVAL`` after it the engine's next command is at the head. A ``SYNC`` ends in cycle 1.

- LOAD: first burst on the bus in cycle ``TRANSFER_START``; ends ``LOAD_END`` cycles after its last beat of
  data was on the bus.
- EXECUTE: the job's first cycle is ``EXECUTE_START``; it ends one cycle after the job's last. But it leaves
  the head ``timing.release_cycles`` after the job's last drain command, so that the prologue of the next one
  may overlap with the flush. A ``SYNC`` of this engine waits for the end.
- STORE: first burst on the bus in cycle ``TRANSFER_START``, first read of SMEM in cycle ``STORE_READ``, whose
  data is on the bus ``STORE_SEND`` cycles plus the read's latency later; ends ``STORE_END`` cycles after the
  answer to its last burst was on the bus.

The program ends, and ``total`` stops, ``PROGRAM_END`` cycles after the later of the last engine's end and the
handing over of END; that last cycle is counted.
"""

from crisp_spec.commands import COMMAND_BITS
from crisp_spec.config import CoreConfig

FETCH_START = 8
FETCH_LATENCY = 5
CHECK_CYCLES = 5
QUEUE_LATENCY = 4

PREFETCH_COMMANDS = 16
"""Commands that are read ahead; see ``FETCH_BURST``."""

FETCH_BURST = 4
"""Most commands in a burst. One is requested when there is room for so many; they end at multiples of it."""

QUEUE_COMMANDS = 17
"""Commands that an engine holds, the one at its head included; then the dispatcher waits."""

HEAD_INTERVAL = 2
"""From a command that leaves the head of its engine to the next one there."""

QUEUE_REFILL = 3
"""From the leaving of a command to the handing over of the one that waits for its place."""

BURST_BEATS = 64
"""Longest burst of a transfer; bursts end at multiples of it."""

OUTSTANDING_BURSTS = 8
"""Bursts of each direction that are open at a time, commands and loads together."""

REISSUE = 4
"""From the last beat of the oldest of so many reads to the next read on the bus; also from the last beat of a
command into the dispatcher to the read on the bus that takes its place among those that are read ahead.
"""

BURST_INTERVAL = 2
"""Between two bursts of a plane on the bus, if nothing else holds them up."""

PLANE_INTERVAL = 4
"""Between the last burst of a plane and the first one of the next."""

TRANSFER_START = 7
LOAD_START = 1
"""From the cycle 0 of a load to the start of its walker, which can end a row ``ROW_CYCLES`` later."""

READ_DELAY = 2
"""From a beat of data on the bus to its passing on to whom it belongs, if that one has room."""

QUEUE_BEATS = 4
"""Beats that fit into each of the queues between the bus and the memories."""

LOAD_WRITE = 4
"""From a beat of data on the bus to its write into a memory of the core."""

LOAD_END = 6

EXECUTE_START = 2

STORE_READ = 6
STORE_SEND = 3
STORE_END = 2

GROUP_CYCLES = 2
"""Shortest time between two reads of SMEM, each of up to ``cols`` pixels."""

ROW_CYCLES = 3
"""Shortest time between two image rows of a tensor, whatever their width."""

PROGRAM_END = 2


def dispatch_interval(config: CoreConfig) -> int:
    """Fewest cycles from one command to the next."""
    return COMMAND_BITS // config.bus_bits + CHECK_CYCLES + 1
