"""Store engine: activation memory to external memory."""

from amaranth.hdl import Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from crisp_hw.bus.bursts import BurstWrites
from crisp_hw.bus.segments import SEGMENTS_LAYOUT
from crisp_hw.core.signatures import ReadSignature
from crisp_hw.engines.engine import Engine
from crisp_hw.engines.group_reader import GroupReader
from crisp_hw.engines.store_walker import StoreWalker
from crisp_hw.engines.transfer_control import TransferControl
from crisp_hw.engines.transfer_planner import TransferPlanner, word_shift
from crisp_hw.parts.field_layouts import same_fields
from crisp_hw.parts.sharing import shared
from crisp_spec.config import CoreConfig
from crisp_spec.error_codes import ErrorCode


class StoreEngine(Engine):
    """Executes stores: reads groups of pixels from the core and writes them in bursts.

    A command that finds its tokens in cycle 0 has its first burst on the bus in cycle 7, and puts its own
    tokens down three cycles after its last burst was answered; see ``crisp_spec.dma_latencies``. One
    beat is sent per cycle. An image row takes three cycles even if it has fewer beats.

    Parameters
    ----------
    config : shape of the core, and width of the bus.

    Members
    -------
    As in ``Engine``, and
    segments : In(SEGMENTS_LAYOUT), with the permission to write.
    bus : Out(BurstWrites).
    read : Out(ReadSignature), to the core.
    """

    name = "store"

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "segments": In(SEGMENTS_LAYOUT),
                "bus": Out(BurstWrites(config.bus_bits)),
                "read": Out(ReadSignature(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        waits, signals = self.counts
        control = TransferControl(waits=waits, signals=signals)
        planner = TransferPlanner(self.config)
        walker = StoreWalker(self.config)
        reader = GroupReader(self.config)
        command = self.add_control(m, platform, control)
        m.submodules.planner = shared(platform, planner)
        m.submodules.walker = shared(platform, walker)
        m.submodules.reader = shared(platform, reader)
        wiring.connect(m, planner.request, wiring.flipped(self.bus.request))
        wiring.connect(m, walker.o, reader.i)
        wiring.connect(m, reader.o, wiring.flipped(self.bus.data))
        wiring.connect(m, reader.read, wiring.flipped(self.read))
        bus_failed = self.bus.failed
        m.d.comb += [
            planner.start.eq(control.start),
            planner.segments.eq(self.segments),
            planner.segment.eq(command.segment),
            planner.offset.eq(command.offset),
            planner.stride.eq(command.plane_stride),
            planner.planes.eq(command.planes),
            planner.beats.eq(command.pixels << word_shift(self.config)),
            *same_fields(walker.tensor, command),
            walker.restart.eq(control.start),
            walker.approved.eq(planner.approved),
            self.bus.clear.eq(control.start),
            control.finished.eq(planner.planned & walker.idle & reader.empty & self.bus.answered),
            control.failure.eq(
                Mux(bus_failed, ErrorCode.BUS_WRITE, Mux(planner.failed, ErrorCode.ADDRESS, ErrorCode.NONE))
            ),
        ]
        return m
