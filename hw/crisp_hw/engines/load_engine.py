"""Load engine: external memory to the memories on the chip."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from crisp_hw.bus.bursts import BurstReads
from crisp_hw.bus.segments import OFFSET_BITS, SEGMENTS_LAYOUT
from crisp_hw.bus.stream_queue import StreamQueue
from crisp_hw.core.signatures import FillSignature
from crisp_hw.engines.engine import Engine
from crisp_hw.engines.load_walker import LoadWalker
from crisp_hw.engines.transfer_control import TransferControl
from crisp_hw.engines.transfer_planner import TransferPlanner, word_shift
from crisp_hw.parts.field_layouts import same_fields
from crisp_hw.parts.sharing import shared
from crisp_spec.commands import POSITION_BITS, Memory
from crisp_spec.config import CoreConfig
from crisp_spec.dma_latencies import BURST_BEATS, OUTSTANDING_BURSTS
from crisp_spec.error_codes import ErrorCode

MEETING_DEPTH = 4
"""Beats and addresses that wait for each other."""


class LoadEngine(Engine):
    """Executes loads: requests bursts, and writes their data beat by beat into a memory of the core.

    A command that finds its tokens in cycle 0 has its first burst on the bus in cycle 7 and puts its own
    tokens down six cycles after its last beat was on the bus, see ``crisp_spec.dma_latencies``. One
    beat is written per cycle. A row of a tensor takes three cycles even if it has fewer beats.

    Parameters
    ----------
    config : shape of the core, and width of the bus.

    Members
    -------
    As in ``Engine``, and
    segments : In(SEGMENTS_LAYOUT), with the permission to read.
    bus : Out(BurstReads).
    fill : Out(FillSignature), to the core.
    """

    name = "load"

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "segments": In(SEGMENTS_LAYOUT),
                "bus": Out(BurstReads(config.bus_bits)),
                "fill": Out(FillSignature(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        waits, signals = self.counts
        control = TransferControl(waits=waits, signals=signals)
        command = self.add_control(m, platform, control)
        planner = self._plan(m, platform, command, control.start)
        busy = self._write(m, platform, command, control.start)
        owed = Signal(range(2 * BURST_BEATS * OUTSTANDING_BURSTS))
        bus_failed = Signal()
        taken = self.bus.data.valid & self.bus.data.ready
        m.d.sync += [
            owed.eq(owed + planner.planned_beats - taken),
            bus_failed.eq(~control.start & (bus_failed | (taken & self.bus.data.payload.error))),
        ]
        m.d.comb += [
            control.finished.eq(planner.planned & (owed == 0) & ~busy),
            control.failure.eq(
                Mux(bus_failed, ErrorCode.BUS_READ, Mux(planner.failed, ErrorCode.ADDRESS, ErrorCode.NONE))
            ),
        ]
        return m

    def _plan(self, m: Module, platform, command: Any, start: Signal) -> TransferPlanner:
        """A load of a memory other than SMEM is one plane."""
        planner = TransferPlanner(self.config)
        m.submodules.planner = shared(platform, planner)
        wiring.connect(m, planner.request, wiring.flipped(self.bus.request))
        to_smem = Signal()
        stride = Signal(OFFSET_BITS)
        m.d.sync += [
            to_smem.eq(command.memory == Memory.SMEM),  # A command comes a cycle before its start.
            stride.eq(Mux(to_smem, command.plane_stride, 0)),
        ]
        m.d.comb += [
            planner.start.eq(start),
            planner.segments.eq(self.segments),
            planner.segment.eq(command.segment),
            planner.offset.eq(command.offset),
            planner.stride.eq(stride),
            planner.planes.eq(Mux(to_smem, command.planes, 1)),
            planner.beats.eq(Mux(to_smem, command.pixels << word_shift(self.config), command.beats)),
        ]
        return planner

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
        leaves = Signal()
        meet = Signal()
        m.d.comb += [
            *same_fields(walker.tensor, command),
            walker.restart.eq(start),
            beats.i.valid.eq(self.bus.data.valid),
            beats.i.payload.eq(self.bus.data.payload.data),
            self.bus.data.ready.eq(beats.i.ready),
            leaves.eq(~self.fill.en | self.fill.ready),
            meet.eq(leaves & addresses.o.valid & beats.o.valid),
            addresses.o.ready.eq(meet),
            beats.o.ready.eq(meet),
        ]
        with m.If(leaves):
            m.d.sync += [
                self.fill.en.eq(meet),
                self.fill.data.eq(beats.o.payload),
                self.fill.memory.eq(command.memory),
                self.fill.address.eq(addresses.o.payload),
            ]
        return ~beats.empty | self.fill.en
