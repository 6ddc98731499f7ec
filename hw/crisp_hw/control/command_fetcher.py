"""Reads the program from external memory, ahead of the dispatcher."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_hw.bus.burst_planner import BurstPlanner
from crisp_hw.bus.bursts import BurstReads, read_beat_layout, stream_of
from crisp_hw.bus.segments import OFFSET_BITS, RANGE_LAYOUT, reachable_bytes
from crisp_hw.bus.stream_queue import StreamQueue
from crisp_hw.control.engine_commands import INDEX_BITS
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.commands import COMMAND_BITS, COMMAND_BYTES
from crisp_spec.dma_latencies import FETCH_BURST, PREFETCH_COMMANDS

COMMAND_SHIFT = ceil_log2(COMMAND_BYTES)


class ProgramSignature(wiring.Signature):
    """The program as the fetcher hands it to the dispatcher.

    Parameters
    ----------
    data_bits : width of the bus.

    Members
    -------
    beats : Out, stream of ``read_beat_layout``, the commands one behind the other.
    limit : Out(26), commands that will be fetched.
    limited : Out(1), ``limit`` is known.
    complete : Out(1), these are all that the program has.
    halted : In(1), nothing more is wanted.
    """

    def __init__(self, data_bits: int):
        super().__init__(
            {
                "beats": Out(stream_of(read_beat_layout(data_bits))),
                "limit": Out(INDEX_BITS),
                "limited": Out(1),
                "complete": Out(1),
                "halted": In(1),
            }
        )


class CommandFetcher(Shareable):
    """Fetches the commands of a program in bursts of up to four, as far as they lie inside their segment and
    below 2^64.

    With ``start`` in cycle 0 the first request is offered in cycle 7, and every next one two cycles after the
    one before was taken, as long as there is room. Data passes in three cycles.

    Parameters
    ----------
    data_bits : width of the bus.

    Members
    -------
    start : In(1).
    offset : In(32), bytes from the start of the segment to the program.
    length : In(32), commands of the program.
    segment : In(RANGE_LAYOUT), segment 0. These three are stable from three cycles before ``start`` on.
    bus : Out(BurstReads).
    program : Out(ProgramSignature), to the dispatcher.
    """

    def __init__(self, data_bits: int):
        self.data_bits = data_bits
        super().__init__(
            {
                "start": In(1),
                "offset": In(OFFSET_BITS),
                "length": In(OFFSET_BITS),
                "segment": In(RANGE_LAYOUT),
                "bus": Out(BurstReads(data_bits)),
                "program": Out(ProgramSignature(data_bits)),
            }
        )

    @property
    def module_name(self) -> str:
        """Name that tells the width."""
        return f"command_fetcher_{self.data_bits}"

    def elaborate(self, platform):
        m = Module()
        start = self._limit(m)
        command_beats = COMMAND_BITS // self.data_bits
        depth, chunk = PREFETCH_COMMANDS * command_beats, FETCH_BURST * command_beats
        shift = ceil_log2(command_beats)
        planner = BurstPlanner(self.data_bits, beats_bits=INDEX_BITS + shift, chunk=chunk)
        beats = StreamQueue(read_beat_layout(self.data_bits), depth)
        m.submodules.planner = shared(platform, planner)
        m.submodules.beats = shared(platform, beats)
        reserved = Signal(range(depth + 1))
        room = Signal()
        requested = Signal()
        popped = Signal()
        m.d.comb += [
            planner.start.eq(start),
            *[planner.segment[name].eq(self.segment[name]) for name in RANGE_LAYOUT.members],
            planner.segment.allowed.eq(1),
            planner.offset.eq(self.offset),
            planner.planes.eq(1),
            planner.beats.eq(self.program.limit << shift),
            self.bus.request.valid.eq(planner.o.valid & room),
            self.bus.request.payload.eq(planner.o.payload),
            planner.o.ready.eq(self.bus.request.ready & room),
            requested.eq(self.bus.request.valid & self.bus.request.ready),
        ]
        # Room has been reserved for everything that comes.
        m.d.comb += self.bus.data.ready.eq(1)
        m.d.sync += [beats.i.valid.eq(self.bus.data.valid), beats.i.payload.eq(self.bus.data.payload)]
        wiring.connect(m, beats.o, wiring.flipped(self.program.beats))
        m.d.sync += [
            popped.eq(self.program.beats.valid & self.program.beats.ready),
            reserved.eq(reserved + Mux(requested, self.bus.request.payload.beats, 0) - popped),
            # The planner's next burst comes late enough to see what this one takes.
            room.eq((reserved <= depth - chunk) & ~self.program.halted),
        ]
        return m

    def _limit(self, m: Module) -> Signal:
        """Find how many commands lie inside the segment; return the strobe that starts the planner."""
        reach = Signal(OFFSET_BITS, reset_less=True)
        rest = Signal(OFFSET_BITS + 1, reset_less=True)
        fitting = Signal(INDEX_BITS, reset_less=True)
        aligned = Signal(reset_less=True)
        enough = Signal(reset_less=True)
        measured = Signal()
        compared = Signal()
        start = Signal()
        m.d.sync += [
            reach.eq(reachable_bytes(self.segment)),
            rest.eq(reach - self.offset),
            aligned.eq(self.offset[:COMMAND_SHIFT] == 0),
            fitting.eq(Mux(rest[-1] | ~aligned, 0, rest >> COMMAND_SHIFT)),
            enough.eq(fitting >= self.length),
            measured.eq(self.start),
            compared.eq(measured),
            start.eq(compared & (self.program.limit != 0)),
            self.program.limited.eq(~self.start & (self.program.limited | compared)),
        ]
        with m.If(measured):
            m.d.sync += [
                self.program.complete.eq(enough),
                self.program.limit.eq(Mux(enough, self.length, fitting)),
            ]
        return start
