"""From a load or a store to its bursts."""

from typing import Any

from amaranth.hdl import Array, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_hw.bus.burst_planner import BurstPlanner
from crisp_hw.bus.bursts import BURST_LAYOUT, stream_of
from crisp_hw.bus.segments import OFFSET_BITS, SEGMENT_LAYOUT, SEGMENTS_LAYOUT
from crisp_hw.bus.stream_queue import StreamQueue
from crisp_hw.control.engine_commands import PIXELS_BITS
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.commands import ROW_TILE_BITS
from crisp_spec.config import CoreConfig
from crisp_spec.dma_latencies import BURST_BEATS


def word_shift(config: CoreConfig) -> int:
    """Beats of a word of the activation memory, as a power of two."""
    return ceil_log2(config.word_bits // config.bus_bits)


def beats_bits(config: CoreConfig) -> int:
    """Bits of the number of beats of a plane."""
    return PIXELS_BITS + word_shift(config)


class TransferPlanner(Shareable):
    """Plans the bursts of a transfer in its segment, see ``BurstPlanner``, which finds errors, too.

    With ``start`` in cycle 0 the first burst is offered in cycle 5. What describes the transfer must be
    stable until it is ``planned``: ``segment`` from the cycle before ``start`` on, ``stride`` from the one
    after it on, and the rest from ``start`` on.

    Parameters
    ----------
    config : shape of the core, and width of the bus.

    Members
    -------
    start : In(1).
    segments : In(SEGMENTS_LAYOUT), with the permission for this direction.
    segment : In, which of them.
    offset : In(32), bytes from its start.
    stride : In(32), bytes from plane to plane.
    planes : In(12).
    beats : In, of a plane.
    request : Out, stream of ``BURST_LAYOUT``.
    approved : Out(1), for one cycle for every plane that is in order.
    planned : Out(1), a register; all bursts have been planned, or a plane was not in order; until ``start``.
    failed : Out(1), a plane was not in order.
    planned_beats : Out, beats of the burst that is planned in this cycle, or 0.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "segments": In(SEGMENTS_LAYOUT),
                "segment": In(range(SEGMENTS_LAYOUT.length)),
                "offset": In(OFFSET_BITS),
                "stride": In(OFFSET_BITS),
                "planes": In(ROW_TILE_BITS),
                "beats": In(beats_bits(config)),
                "request": Out(stream_of(BURST_LAYOUT)),
                "approved": Out(1),
                "planned": Out(1),
                "failed": Out(1),
                "planned_beats": Out(range(BURST_BEATS + 1)),
            }
        )

    @property
    def module_name(self) -> str:
        """Name that tells the widths."""
        return f"transfer_planner_{self.config.bus_bits}_{beats_bits(self.config)}"

    def elaborate(self, platform):
        m = Module()
        config = self.config
        planner = BurstPlanner(config.bus_bits, beats_bits=beats_bits(config), chunk=BURST_BEATS)
        # It keeps the bus's ready signal from the planner.
        bursts = StreamQueue(BURST_LAYOUT, 2, registered=False)
        m.submodules.planner = shared(platform, planner)
        m.submodules.bursts = shared(platform, bursts)
        wiring.connect(m, planner.o, bursts.i)
        wiring.connect(m, bursts.o, wiring.flipped(self.request))
        beats = Signal(beats_bits(config))
        segment = Signal(SEGMENT_LAYOUT, reset_less=True)
        segments: Any = self.segments
        m.d.sync += [
            beats.eq(self.beats),
            segment.eq(Array(segments)[self.segment]),
            self.planned.eq(~self.start & (self.planned | planner.done)),
        ]
        burst = planner.o
        m.d.comb += [
            planner.start.eq(self.start),
            planner.segment.eq(segment),
            planner.offset.eq(self.offset),
            planner.stride.eq(self.stride),
            planner.planes.eq(self.planes),
            planner.beats.eq(beats),
            self.approved.eq(planner.approved),
            self.failed.eq(planner.failed),
            self.planned_beats.eq(Mux(burst.valid & burst.ready, burst.payload.beats, 0)),
        ]
        return m
