"""Load engine: external memory to the memories on the chip."""

from amaranth.hdl import Array, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_hw.bus.burst_planner import BurstPlanner
from crisp_hw.bus.payloads import BURST_LAYOUT, OFFSET_BITS, read_beat_layout, stream_of
from crisp_hw.bus.stream_queue import StreamQueue
from crisp_hw.control.payloads import PIXELS_BITS, WINDOW_LAYOUT, WINDOWS_LAYOUT
from crisp_hw.core.signatures import WriteSignature
from crisp_hw.engines.engine_port import connect_control, engine_members
from crisp_hw.engines.load_walker import LoadWalker
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.commands import POSITION_BITS, Memory
from crisp_spec.config import CoreConfig
from crisp_spec.dma_latencies import BURST_BEATS, OUTSTANDING_BURSTS
from crisp_spec.error_codes import ErrorCode

MEETING_DEPTH = 4
"""Beats and addresses that wait for each other."""


class LoadEngine(Shareable):
    """Executes loads: requests bursts, and writes their data beat by beat into a memory of the core.

    A command that finds its tokens in cycle 0 has its first burst on the bus in cycle 7 and puts its own
    tokens down six cycles after its last beat was on the bus, see ``crisp_spec.dma_latencies``. One
    beat is written per cycle. A row of a tensor takes three cycles even if it has fewer beats.

    Members
    -------
    See ``engine_members``, and
    windows : In(WINDOWS_LAYOUT), with the permission to read.
    request : stream of ``BURST_LAYOUT``, data : stream of ``read_beat_layout``; see ``BurstReader``.
    write : Out(WriteSignature), to the core.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                **engine_members("load"),
                "windows": In(WINDOWS_LAYOUT),
                "request": Out(stream_of(BURST_LAYOUT)),
                "data": In(stream_of(read_beat_layout(config.bus_bits))),
                "write": Out(WriteSignature(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        control, command = connect_control(m, platform, self, "load")
        to_smem = Signal()
        m.d.sync += to_smem.eq(command.memory == Memory.SMEM)  # A command comes a cycle before its start.
        planner = self._plan(m, platform, command, to_smem, control.start)
        busy = self._write(m, platform, command, control.start)
        owed = self._count_owed(m, planner)
        planned, bus_failed = Signal(), Signal()
        with m.If(control.start):
            m.d.sync += [planned.eq(0), bus_failed.eq(0)]
        with m.Else():
            taken = self.data.valid & self.data.ready
            m.d.sync += [
                planned.eq(planned | planner.done),
                bus_failed.eq(bus_failed | (taken & self.data.payload.error)),
            ]
        m.d.comb += [
            control.finished.eq(planned & (owed == 0) & ~busy),
            control.failure.eq(
                Mux(bus_failed, ErrorCode.BUS_READ, Mux(planner.failed, ErrorCode.ADDRESS, ErrorCode.NONE))
            ),
        ]
        return m

    def _plan(self, m: Module, platform, command, to_smem, start) -> BurstPlanner:
        """Plan the bursts. A small queue keeps the bus's ready signal from the planner."""
        shift = ceil_log2(self.config.window_bits // self.config.bus_bits)
        planner = BurstPlanner(self.config.bus_bits, beats_bits=PIXELS_BITS + shift, chunk=BURST_BEATS)
        bursts = StreamQueue(BURST_LAYOUT, 2, registered=False)
        m.submodules.planner = shared(platform, planner)
        m.submodules.bursts = shared(platform, bursts)
        wiring.connect(m, planner.o, bursts.i)
        wiring.connect(m, bursts.o, wiring.flipped(self.request))
        beats, stride = Signal(PIXELS_BITS + shift), Signal(OFFSET_BITS)
        window = Signal(WINDOW_LAYOUT, reset_less=True)
        m.d.sync += [
            beats.eq(Mux(to_smem, command.pixels << shift, command.beats)),
            stride.eq(Mux(to_smem, command.plane_stride, 0)),
            window.eq(Array(self.windows)[command.window]),
        ]
        m.d.comb += [
            planner.start.eq(start),
            planner.window.eq(window),
            planner.offset.eq(command.offset),
            planner.stride.eq(stride),
            planner.planes.eq(Mux(to_smem, command.planes, 1)),
            planner.beats.eq(beats),
        ]
        return planner

    def _count_owed(self, m: Module, planner: BurstPlanner) -> Signal:
        """Beats of planned bursts that have not come yet."""
        owed = Signal(range(2 * BURST_BEATS * OUTSTANDING_BURSTS))
        taken = self.data.valid & self.data.ready
        planned = Mux(planner.o.valid & planner.o.ready, planner.o.payload.beats, 0)
        m.d.sync += owed.eq(owed + planned - taken)
        return owed

    def _write(self, m: Module, platform, command, start) -> Signal:
        """Data and addresses meet in front of the write port; returns whether something is on its way.

        Their queues keep the ready signals of core and bus apart.
        """
        walker = LoadWalker(self.config)
        addresses = StreamQueue(POSITION_BITS, MEETING_DEPTH, registered=False)
        beats = StreamQueue(self.config.bus_bits, MEETING_DEPTH, registered=False)
        m.submodules.walker = shared(platform, walker)
        m.submodules.addresses = shared(platform, addresses, start)  # the walker goes on after the end
        m.submodules.beats = shared(platform, beats)
        wiring.connect(m, walker.o, addresses.i)
        leaves, meet = Signal(), Signal()
        m.d.comb += [
            walker.command.eq(command),
            walker.restart.eq(start),
            beats.i.valid.eq(self.data.valid),
            beats.i.payload.eq(self.data.payload.data),
            self.data.ready.eq(beats.i.ready),
            leaves.eq(~self.write.en | self.write.ready),
            meet.eq(leaves & addresses.o.valid & beats.o.valid),
            addresses.o.ready.eq(meet),
            beats.o.ready.eq(meet),
        ]
        with m.If(leaves):
            m.d.sync += [
                self.write.en.eq(meet),
                self.write.data.eq(beats.o.payload),
                self.write.memory.eq(command.memory),
                self.write.address.eq(addresses.o.payload),
            ]
        return ~beats.empty | self.write.en
