"""Writes bursts for the store engine."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.wiring import In, Out

from crisp_hw.bus.bursts import BurstWrites
from crisp_hw.bus.signatures import Axi4Write, drive_constants
from crisp_hw.bus.stream_queue import StreamQueue
from crisp_hw.parts.credit_counter import CreditCounter
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.dma_latencies import BURST_BEATS, OUTSTANDING_BURSTS

BEATS_BITS = BURST_BEATS.bit_length()


class BurstWriter(Shareable):
    """Turns requests and a stream of data into AXI4 write bursts.

    A request appears on the bus one cycle after it was taken. A burst takes data from three cycles after its
    request on, or as soon as the data of the burst before it is through; a beat appears on the bus one cycle
    after it was taken, and one passes per cycle. At most ``OUTSTANDING_BURSTS`` bursts are open.

    From one cycle after ``abort`` on no request is taken, and what is missing of open bursts is written with
    all strobes low, which changes nothing in memory.

    Parameters
    ----------
    data_bits : width of the bus.

    Members
    -------
    bus : Out(Axi4Write).
    store : In(BurstWrites), the store engine.
    abort : In(1), high for as long as nothing is to be begun.
    idle : Out(1), no burst is open: the bus may be left alone.
    """

    def __init__(self, data_bits: int):
        self.data_bits = data_bits
        super().__init__(
            {
                "bus": Out(Axi4Write(data_bits)),
                "store": In(BurstWrites(data_bits)),
                "abort": In(1),
                "idle": Out(1),
            }
        )

    @property
    def module_name(self) -> str:
        """Name that tells the width."""
        return f"burst_writer_{self.data_bits}"

    def elaborate(self, platform):
        m = Module()
        lengths = StreamQueue(BEATS_BITS, OUTSTANDING_BURSTS)
        m.submodules.lengths = shared(platform, lengths)
        bursts = CreditCounter(OUTSTANDING_BURSTS, initial=OUTSTANDING_BURSTS)
        m.submodules.bursts = shared(platform, bursts)
        issued = Signal()
        answered = Signal()
        aborts = Signal()
        m.d.sync += aborts.eq(self.abort)
        m.d.comb += [
            bursts.give.eq(answered),
            bursts.take.eq(issued),
            self.idle.eq(bursts.count == OUTSTANDING_BURSTS),
            self.store.answered.eq(self.idle),
        ]
        drive_constants(m, self.bus.aw, self.data_bits)
        self._issue(m, lengths, issued, bursts.available & ~aborts)
        self._send(m, lengths, aborts)
        self._collect(m, answered)
        return m

    def _issue(self, m: Module, lengths: StreamQueue, issued, may_issue) -> None:
        free = Signal()
        m.d.comb += [
            free.eq((~self.bus.aw.valid | self.bus.aw.ready) & may_issue),
            self.store.request.ready.eq(free),
            issued.eq(free & self.store.request.valid),
            lengths.i.valid.eq(issued),
            lengths.i.payload.eq(self.store.request.payload.beats),
        ]
        with m.If(issued):
            m.d.sync += [
                self.bus.aw.valid.eq(1),
                self.bus.aw.addr.eq(self.store.request.payload.address),
                self.bus.aw.len.eq(self.store.request.payload.beats - 1),
            ]
        with m.Elif(self.bus.aw.ready):
            m.d.sync += self.bus.aw.valid.eq(0)

    def _send(self, m: Module, lengths: StreamQueue, aborts) -> None:
        left = Signal(BEATS_BITS)
        active = Signal()
        last = Signal()
        free = Signal()
        sent = Signal()
        m.d.comb += [
            free.eq((~self.bus.w.valid | self.bus.w.ready) & active),
            self.store.data.ready.eq(free & ~aborts),
            sent.eq(free & (self.store.data.valid | aborts)),
            lengths.o.ready.eq(~active | (sent & last)),
        ]
        with m.If(lengths.o.ready):
            m.d.sync += [
                left.eq(lengths.o.payload),
                active.eq(lengths.o.valid),
                last.eq(lengths.o.payload == 1),
            ]
        with m.Elif(sent):
            m.d.sync += [left.eq(left - 1), last.eq(left == 2)]
        with m.If(sent):
            m.d.sync += [
                self.bus.w.valid.eq(1),
                self.bus.w.data.eq(self.store.data.payload),
                self.bus.w.strb.eq(Mux(aborts, 0, ~0)),
                self.bus.w.last.eq(last),
            ]
        with m.Elif(self.bus.w.ready):
            m.d.sync += self.bus.w.valid.eq(0)

    def _collect(self, m: Module, answered) -> None:
        m.d.comb += [self.bus.b.ready.eq(1), answered.eq(self.bus.b.valid)]
        with m.If(self.store.clear):
            m.d.sync += self.store.failed.eq(0)
        with m.Elif(answered & self.bus.b.resp[1]):
            m.d.sync += self.store.failed.eq(1)
