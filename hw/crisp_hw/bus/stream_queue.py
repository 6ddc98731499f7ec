"""Queue between two streams, in LUT RAM."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_hw.bus.bursts import stream_of
from crisp_hw.cells import LutRam
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.errors import ConfigError


class StreamQueue(Shareable):
    """First in, first out; one item per cycle.

    With ``registered`` an item comes out two cycles after it went in, from registers, and one more item fits
    than ``depth``. Without, it comes out after one cycle, straight from the memory.

    Parameters
    ----------
    shape : of the payload.
    depth : items that fit, a power of two.
    registered : items come out of registers.

    Members
    -------
    i : In, stream of ``shape``.
    o : Out, stream of ``shape``.
    empty : Out(1), nothing is inside.

    Raises
    ------
    ConfigError : ``depth`` is not a power of two, or below 2.
    """

    def __init__(self, shape, depth: int, *, registered: bool = True):
        if depth < 2 or depth & (depth - 1):
            raise ConfigError(f"`depth` must be a power of 2 and at least 2, not {depth}")
        self.depth, self.registered = depth, registered
        super().__init__({"i": In(stream_of(shape)), "o": Out(stream_of(shape)), "empty": Out(1)})
        self.width = len(Value.cast(self.i.payload))

    @property
    def module_name(self) -> str:
        """Name that tells size and form."""
        return f"stream_queue_{self.width}x{self.depth}{'' if self.registered else '_direct'}"

    def elaborate(self, platform):
        m = Module()
        ram = LutRam(width=self.width, depth=self.depth)
        m.submodules.ram = shared(platform, ram)
        head = Signal(ceil_log2(self.depth))
        tail = Signal(ceil_log2(self.depth))
        push = Signal()
        pop = Signal()
        full = Signal()
        stored = Signal()
        # What is compared comes from registers; only then the signals that come late are looked at.
        fills = Signal()
        empties = Signal()
        m.d.comb += [
            fills.eq((tail + 1)[: len(tail)] == head),
            empties.eq((head + 1)[: len(head)] == tail),
        ]
        m.d.sync += [
            full.eq((full | (fills & push)) & ~pop),
            stored.eq(push | (stored & ~(empties & pop))),
        ]
        m.d.comb += [
            self.i.ready.eq(~full),
            push.eq(self.i.valid & ~full),
            ram.write_en.eq(push),
            ram.write_addr.eq(tail),
            ram.write_data.eq(self.i.payload),
            ram.read_addr.eq(head),
        ]
        with m.If(push):
            m.d.sync += tail.eq(tail + 1)
        with m.If(pop):
            m.d.sync += head.eq(head + 1)
        if self.registered:
            self._register_output(m, ram, stored, pop)
        else:
            m.d.comb += [
                Value.cast(self.o.payload).eq(ram.read_data),
                self.o.valid.eq(stored),
                pop.eq(stored & self.o.ready),
                self.empty.eq(~stored),
            ]
        return m

    def _register_output(self, m: Module, ram: LutRam, stored, pop) -> None:
        payload = Signal(self.width, reset_less=True)
        m.d.comb += [
            Value.cast(self.o.payload).eq(payload),
            pop.eq(stored & (~self.o.valid | self.o.ready)),
            self.empty.eq(~stored & ~self.o.valid),
        ]
        with m.If(pop):
            m.d.sync += [payload.eq(ram.read_data), self.o.valid.eq(1)]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
