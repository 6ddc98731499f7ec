"""Reads bursts for two clients: the fetch of commands, and the load engine."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from crisp_hw.bus.bursts import BURST_LAYOUT, BurstReads
from crisp_hw.bus.signatures import Axi4Read, drive_constants
from crisp_hw.bus.stream_queue import StreamQueue
from crisp_hw.parts.credit_counter import CreditCounter
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.dma_latencies import OUTSTANDING_BURSTS

DATA_DEPTH = 4


class BurstReader(Shareable):
    """Turns requests into AXI4 read bursts and hands the data to whom it belongs.

    Fetches go before loads. All bursts have one ID, so data comes back in the order of the requests; a queue
    remembers whose turn it is. A request appears on the bus one cycle after it was taken, a beat of data at
    its client two cycles after it was on the bus. One burst is taken every cycle, at most
    ``OUTSTANDING_BURSTS`` are open, and one beat passes per cycle.

    From one cycle after ``abort`` on no request is taken, and all data is dropped.

    Parameters
    ----------
    data_bits : width of the bus.

    Members
    -------
    bus : Out(Axi4Read).
    fetch : In(BurstReads), the fetcher of commands.
    load : In(BurstReads), the load engine.
    abort : In(1), high for as long as nothing is to be begun.
    idle : Out(1), no burst is open: the bus may be left alone.
    """

    def __init__(self, data_bits: int):
        self.data_bits = data_bits
        super().__init__(
            {
                "bus": Out(Axi4Read(data_bits)),
                "fetch": In(BurstReads(data_bits)),
                "load": In(BurstReads(data_bits)),
                "abort": In(1),
                "idle": Out(1),
            }
        )

    @property
    def module_name(self) -> str:
        """Name that tells the width."""
        return f"burst_reader_{self.data_bits}"

    def elaborate(self, platform):
        m = Module()
        owners = StreamQueue(1, OUTSTANDING_BURSTS)
        m.submodules.owners = shared(platform, owners)
        bursts = CreditCounter(OUTSTANDING_BURSTS, initial=OUTSTANDING_BURSTS)
        m.submodules.bursts = shared(platform, bursts)
        issued = Signal()
        closed = Signal()
        aborts = Signal()
        m.d.sync += aborts.eq(self.abort)
        m.d.comb += [
            bursts.give.eq(closed),
            bursts.take.eq(issued),
            self.idle.eq((bursts.count == OUTSTANDING_BURSTS) & ~self.bus.ar.valid),
        ]
        drive_constants(m, self.bus.ar, self.data_bits)
        self._issue(m, owners, issued, bursts.available & ~aborts)
        self._deliver(m, platform, owners, closed, aborts)
        return m

    def _issue(self, m: Module, owners: StreamQueue, issued, may_issue) -> None:
        free = Signal()
        fetches = self.fetch.request.valid
        burst = Signal(BURST_LAYOUT)
        m.d.comb += [
            free.eq((~self.bus.ar.valid | self.bus.ar.ready) & may_issue),
            self.fetch.request.ready.eq(free),
            self.load.request.ready.eq(free & ~fetches),
            issued.eq(free & (fetches | self.load.request.valid)),
            owners.i.valid.eq(issued),
            owners.i.payload.eq(fetches),
            burst.eq(Mux(fetches, self.fetch.request.payload, self.load.request.payload)),
        ]
        with m.If(issued):
            m.d.sync += [
                self.bus.ar.valid.eq(1),
                self.bus.ar.addr.eq(burst.address),
                self.bus.ar.len.eq(burst.beats - 1),
            ]
        with m.Elif(self.bus.ar.ready):
            m.d.sync += self.bus.ar.valid.eq(0)

    def _deliver(self, m: Module, platform, owners: StreamQueue, closed, aborts) -> None:
        beats = StreamQueue(data.StructLayout({"data": self.data_bits, "error": 1, "last": 1}), DATA_DEPTH)
        m.submodules.beats = shared(platform, beats)
        beat, fetched = beats.o.payload, owners.o.payload
        m.d.comb += [
            beats.i.valid.eq(self.bus.r.valid),
            self.bus.r.ready.eq(beats.i.ready),
            beats.i.payload.data.eq(self.bus.r.data),
            beats.i.payload.error.eq(self.bus.r.resp[1]),
            beats.i.payload.last.eq(self.bus.r.last),
            self.fetch.data.valid.eq(beats.o.valid & fetched & ~aborts),
            self.load.data.valid.eq(beats.o.valid & ~fetched & ~aborts),
            beats.o.ready.eq(aborts | Mux(fetched, self.fetch.data.ready, self.load.data.ready)),
            closed.eq(beats.o.valid & beats.o.ready & beat.last),
            owners.o.ready.eq(closed),
        ]
        for client in (self.fetch.data, self.load.data):
            m.d.comb += [client.payload.data.eq(beat.data), client.payload.error.eq(beat.error)]
