"""Store engine: activation memory to external memory."""

from amaranth.hdl import Array, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_hw.bus.burst_planner import BurstPlanner
from crisp_hw.bus.payloads import BURST_LAYOUT, WINDOW_LAYOUT, stream_of
from crisp_hw.bus.stream_queue import StreamQueue
from crisp_hw.control.payloads import PIXELS_BITS, WINDOWS_LAYOUT
from crisp_hw.core.signatures import ReadSignature
from crisp_hw.engines.engine_port import connect_control, engine_members
from crisp_hw.engines.group_reader import GroupReader
from crisp_hw.engines.store_walker import StoreWalker
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.config import CoreConfig
from crisp_spec.dma_latencies import BURST_BEATS
from crisp_spec.error_codes import ErrorCode


class StoreEngine(Shareable):
    """Executes stores: reads groups of pixels from the core and writes them in bursts.

    A command that finds its tokens in cycle 0 has its first burst on the bus in cycle 7, and puts its own
    tokens down three cycles after its last burst was answered; see ``crisp_spec.dma_latencies``. One
    beat is sent per cycle. An image row takes three cycles even if it has fewer beats.

    Members
    -------
    See ``engine_members``, and
    read : Out(ReadSignature), to the core.
    windows : In(WINDOWS_LAYOUT), with the permission to write.
    request : stream of ``BURST_LAYOUT``; data : stream of beats; written, failed : In(1), that all bursts
        were answered, and that one was with an error; clear : Out(1); see ``BurstWriter``.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                **engine_members("store"),
                "windows": In(WINDOWS_LAYOUT),
                "request": Out(stream_of(BURST_LAYOUT)),
                "data": Out(stream_of(config.bus_bits)),
                "written": In(1),
                "failed": In(1),
                "clear": Out(1),
                "read": Out(ReadSignature(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        control, command = connect_control(m, platform, self, "store")
        planner = self._plan(m, platform, command, control.start)
        walker = StoreWalker(self.config)
        reader = GroupReader(self.config)
        m.submodules.walker = shared(platform, walker)
        m.submodules.reader = shared(platform, reader)
        wiring.connect(m, walker.o, reader.i)
        wiring.connect(m, reader.o, wiring.flipped(self.data))
        wiring.connect(m, reader.read, wiring.flipped(self.read))
        planned = Signal()
        m.d.sync += planned.eq(~control.start & (planned | planner.done))
        m.d.comb += [
            walker.command.eq(command),
            walker.restart.eq(control.start),
            walker.approved.eq(planner.approved),
            self.clear.eq(control.start),
            control.finished.eq(planned & walker.idle & reader.empty & self.written),
            control.failure.eq(
                Mux(self.failed, ErrorCode.BUS_WRITE, Mux(planner.failed, ErrorCode.ADDRESS, ErrorCode.NONE))
            ),
        ]
        return m

    def _plan(self, m: Module, platform, command, start) -> BurstPlanner:
        """Plan the bursts. A small queue keeps the bus's ready signal from the planner."""
        shift = ceil_log2(self.config.window_bits // self.config.bus_bits)
        planner = BurstPlanner(self.config.bus_bits, beats_bits=PIXELS_BITS + shift, chunk=BURST_BEATS)
        bursts = StreamQueue(BURST_LAYOUT, 2, registered=False)
        m.submodules.planner = shared(platform, planner)
        m.submodules.bursts = shared(platform, bursts)
        wiring.connect(m, planner.o, bursts.i)
        wiring.connect(m, bursts.o, wiring.flipped(self.request))
        beats = Signal(PIXELS_BITS + shift)
        window = Signal(WINDOW_LAYOUT, reset_less=True)
        m.d.sync += [
            beats.eq(command.pixels << shift),
            window.eq(Array(self.windows)[command.window]),
        ]
        m.d.comb += [
            planner.start.eq(start),
            planner.window.eq(window),
            planner.offset.eq(command.offset),
            planner.stride.eq(command.plane_stride),
            planner.planes.eq(command.planes),
            planner.beats.eq(beats),
        ]
        return planner
