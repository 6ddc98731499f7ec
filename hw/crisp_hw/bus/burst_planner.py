"""Cuts the planes of a transfer into bursts, after checking their addresses."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_hw.bus.bursts import BURST_LAYOUT, stream_of
from crisp_hw.bus.segments import OFFSET_BITS, SEGMENT_LAYOUT, reachable_bytes, segment_base
from crisp_hw.parts.sharing import Shareable
from crisp_spec.commands import ROW_TILE_BITS
from crisp_spec.registers import ADDRESS_BITS


class BurstPlanner(Shareable):
    """Emits the bursts of ``planes`` contiguous runs of ``beats`` beats, ``stride`` bytes apart.

    A plane is approved when it lies inside the segment and below 2^64, the segment allows the transfer, and
    offset and stride are multiples of a beat; otherwise the transfer ends there and ``failed`` is high with
    ``done``. Bursts end at multiples of ``chunk`` beats.

    With ``start`` in cycle 0, ``approved`` is high in cycle 3 and the first burst offered in cycle 4, every
    next one two cycles after the one before was taken, the first one of the next plane four cycles after.
    ``done`` is high one cycle after the last burst was taken, or in cycle 4 of a plane that is not approved.
    The inputs must be stable from ``start`` to ``done``, ``beats`` from one cycle after ``start``.

    Parameters
    ----------
    data_bits : width of the bus.
    beats_bits : width of ``beats``.
    chunk : longest burst, a power of two of at most 4096 bytes.

    Members
    -------
    start : In(1).
    segment : In(SEGMENT_LAYOUT).
    offset : In(32), bytes from the start of the segment to the first plane.
    stride : In(32), bytes from plane to plane.
    planes : In(12), at least 1.
    beats : In(beats_bits), of a plane, at least 1.
    o : Out, stream of ``BURST_LAYOUT``.
    approved : Out(1), for one cycle for every plane that is in order.
    done : Out(1), for one cycle.
    failed : Out(1), a plane was not in order, until the next ``start``.
    """

    def __init__(self, data_bits: int, *, beats_bits: int, chunk: int):
        self.data_bits, self.beats_bits, self.chunk = data_bits, beats_bits, chunk
        super().__init__(
            {
                "start": In(1),
                "segment": In(SEGMENT_LAYOUT),
                "offset": In(OFFSET_BITS),
                "stride": In(OFFSET_BITS),
                "planes": In(ROW_TILE_BITS),
                "beats": In(beats_bits),
                "o": Out(stream_of(BURST_LAYOUT)),
                "approved": Out(1),
                "done": Out(1),
                "failed": Out(1),
            }
        )

    @property
    def module_name(self) -> str:
        """Name that tells all parameters."""
        return f"burst_planner_{self.data_bits}_{self.beats_bits}_{self.chunk}"

    def elaborate(self, platform):
        m = Module()
        shift = ceil_log2(self.data_bits // 8)
        # One bit more than an offset has, to notice that the next plane begins beyond 4 GiB.
        offset = Signal(OFFSET_BITS + 1, reset_less=True)
        planes_left = Signal(ROW_TILE_BITS, reset_less=True)
        position = Signal(ADDRESS_BITS - shift, reset_less=True)
        left = Signal(self.beats_bits, reset_less=True)
        beats = Signal(self.chunk.bit_length(), reset_less=True)
        room = Signal.like(beats)
        fits = self._fits(m, offset, shift)
        address = Signal(ADDRESS_BITS, reset_less=True)
        first = address >> shift
        # Known before the burst is taken.
        next_offset = Signal.like(offset, reset_less=True)
        is_last = Signal(reset_less=True)
        measure = [beats.eq(Mux(left < room, left, room)), is_last.eq(left <= room)]
        m.d.comb += [
            self.o.payload.address.eq(position << shift),
            self.o.payload.beats.eq(beats),
        ]
        m.d.sync += address.eq(segment_base(self.segment) + offset[:OFFSET_BITS])
        m.d.sync += [self.done.eq(0), next_offset.eq(offset[:OFFSET_BITS] + self.stride)]
        with m.FSM():
            with m.State("IDLE"), m.If(self.start):
                m.d.sync += [
                    offset.eq(self.offset),
                    planes_left.eq(self.planes),
                    self.failed.eq(0),
                ]
                m.next = "ADD"
            with m.State("ADD"):
                m.d.sync += left.eq(self.beats)
                m.next = "CHECK"
            with m.State("CHECK"):
                m.d.sync += [position.eq(first), room.eq(self.chunk - (first & (self.chunk - 1)))]
                m.next = "JUDGE"
            with m.State("JUDGE"):
                m.d.comb += self.approved.eq(fits)
                m.d.sync += [*measure, self.failed.eq(~fits), self.done.eq(~fits)]
                m.next = "IDLE"
                with m.If(fits):
                    m.next = "OFFER"
            with m.State("MEASURE"):
                m.d.sync += measure
                m.next = "OFFER"
            with m.State("OFFER"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.d.sync += [position.eq(position + beats), left.eq(left - beats), room.eq(self.chunk)]
                    m.next = "MEASURE"
                    with m.If(is_last):
                        m.d.sync += [offset.eq(next_offset), planes_left.eq(planes_left - 1)]
                        m.next = "ADD"
                        with m.If(planes_left == 1):
                            m.d.sync += self.done.eq(1)
                            m.next = "IDLE"
        return m

    def _fits(self, m: Module, offset: Signal, shift: int) -> Signal:
        """Whether the plane at ``offset`` is in order; three cycles behind it."""
        end = Signal(OFFSET_BITS + 3, reset_less=True)
        reach = Signal(OFFSET_BITS, reset_less=True)
        fits = Signal()
        aligned = Signal()
        m.d.sync += [
            end.eq(offset + (self.beats << shift)),
            reach.eq(reachable_bytes(self.segment)),
            aligned.eq((self.offset[:shift] | self.stride[:shift]) == 0),
            fits.eq((end <= reach) & self.segment.allowed & aligned),
        ]
        return fits
