"""Activation memory: ``cols`` banks, rotator and padding.

Word w lies in row ``w // cols`` of bank ``w mod cols``. A read fetches ``cols`` consecutive positions of a
ring, one word from each bank, whatever the first position is; the rotator puts them into order. Columns
outside the image read the zero point.
"""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_hw.bus.stream_queue import StreamQueue
from crisp_hw.cells import BlockRam, Technology
from crisp_hw.core.payloads import bank_bits, output_layout, read_layout, row_bits
from crisp_hw.parts.delay import delay
from crisp_hw.parts.select import select
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.commands import POSITION_BITS
from crisp_spec.config import VALUE_BITS, CoreConfig
from crisp_spec.latencies import ACTIVATION_LATENCY, READ_LATENCY

FILL_QUEUE = 4
"""Beats that wait for a bank."""


class ActivationMemory(Shareable):
    """Banked SMEM with one conflict-free read per cycle, and in every bank one access of somebody else.

    Each bank has one port for the array's reads and one for all else: outputs of the array, which are written
    always; words of the store, which are read where no output goes; beats of the bus, which wait in a queue
    before each bank until neither of these is there. The array never waits. A read of the array sees the
    outputs of all cycles before that of its request. A word that is written in the cycle of the request or in
    the next one is undefined.

    Beats follow each other from bank to bank, so that with queues before the banks they keep the full rate
    beside outputs that go to at most half of the banks at a time. Once the outputs of a job have ended the
    queues are empty in a few cycles, far sooner than the next job reads its first window.

    The store asks for ``cols`` words at a time. Each bank delivers its word when it can; the request is done
    when all have.

    Members
    -------
    read : In(read_layout).
    is_inside : In(cols), columns whose pixel lies in the image.
    zero_point : In(8), what the other columns read; stable while reads are under way.
    words : Out(cols words), ``latency`` cycles after the request; column 0 in the lowest bits.
    outputs : In(output_layout), outputs of the array.
    store : In(read_layout), a request of the store; taken if ``store_ready``: Out(1), a register, low while
        another is under way.
    stored : Out(cols words), bank 0 in the lowest bits: not rotated, since the store takes them one by one.
        They are there when ``store_done``: Out(1) is high, at the earliest ``store_latency`` cycles after the
        request.
    fill_en : In(1); fill_address : In(20), number of the beat; fill_data : In(bus_bits); fill_ready : Out(1),
        low while the queue of the beat's bank is full.
    """

    latency = ACTIVATION_LATENCY
    store_latency = READ_LATENCY

    def __init__(self, config: CoreConfig, *, technology: Technology):
        self.config = config
        self.technology = technology
        super().__init__(
            {
                "read": In(read_layout(config)),
                "is_inside": In(config.cols),
                "zero_point": In(VALUE_BITS),
                "words": Out(data.ArrayLayout(config.word_bits, config.cols)),
                "outputs": In(output_layout(config)),
                "store": In(read_layout(config)),
                "store_ready": Out(1),
                "stored": Out(data.ArrayLayout(config.word_bits, config.cols)),
                "store_done": Out(1),
                "fill_en": In(1),
                "fill_address": In(POSITION_BITS),
                "fill_data": In(config.bus_bits),
                "fill_ready": Out(1),
            }
        )

    @property
    def granularity(self) -> int:
        """Bits that a write changes at least: the outputs of a row tile, or a beat."""
        return min(self.config.rows * VALUE_BITS, self.config.bus_bits)

    def elaborate(self, platform):
        m = Module()
        config = self.config
        rotation = self.read.rotation
        words, ready = [], []
        asked, left = self._ask(m)
        for number in range(config.cols):
            bank = BlockRam(
                width=config.word_bits,
                depth=config.bank_depth,
                granularity=self.granularity,
                read_back=True,
                technology=self.technology,
            )
            m.submodules[f"bank_{number}"] = shared(platform, bank)
            m.d.sync += [bank.read_en.eq(self.read.en), bank.read_addr.eq(self._row(self.read, number))]
            words.append(bank.read_data)
            m.d.comb += self.stored[number].eq(bank.back_data)
            fill = self._queue(m, platform, number)
            ready.append(fill.i.ready)
            self._write(m, number, bank, fill, left[number], self._row(asked, number))
        rotated = self._rotate(m, words, delay(m, rotation, 1 + BlockRam.latency, "rotation"))
        inside = delay(m, self.is_inside, self.latency - 1, "is_inside")
        padding = self.zero_point.replicate(config.word_channels)
        for col, word in enumerate(rotated):
            m.d.comb += self.words[col].eq(delay(m, Mux(inside[col], word, padding), 1, f"word_{col}"))
        m.d.comb += self.fill_ready.eq(select(ready, self._fill_word()[: bank_bits(config)]))
        return m

    def _queue(self, m: Module, platform, number: int) -> StreamQueue:
        """Beats that wait for a bank."""
        config, word = self.config, self._fill_word()
        banks, beats = bank_bits(config), config.word_bits // config.bus_bits
        layout = {"row": row_bits(config), "part": beats, "data": config.bus_bits}
        queue = StreamQueue(data.StructLayout(layout), FILL_QUEUE, registered=False)
        m.submodules[f"fill_{number}"] = shared(platform, queue)
        part = Value.cast(Const(1, 1) << self.fill_address[: ceil_log2(beats)])[:beats]
        m.d.comb += [
            queue.i.valid.eq(self.fill_en & (word[:banks] == number)),
            queue.i.payload.row.eq(word[banks:]),
            queue.i.payload.part.eq(part),
            queue.i.payload.data.eq(self.fill_data),
        ]
        return queue

    def _ask(self, m: Module) -> tuple[Any, Signal]:
        """Hold a request of the store; returns it, and which banks have still to deliver their words."""
        asked = Signal(read_layout(self.config))
        left = Signal(self.config.cols)
        done = Signal()
        m.d.comb += [
            self.store_ready.eq(left == 0),
            done.eq((left != 0) & ((left & self.outputs.valid) == 0)),
        ]
        with m.If(self.store.en & self.store_ready):
            m.d.sync += [asked.eq(self.store), left.eq(-1)]
        with m.Else():
            m.d.sync += left.eq(left & self.outputs.valid)
        # A bank's request and its memory.
        m.d.comb += self.store_done.eq(delay(m, done, 1 + BlockRam.latency, "store_done", reset_less=False))
        return asked, left

    def _row(self, read: Any, number: int) -> Value:
        """Row of a bank that a request reads."""
        behind = Const(number, len(read.rotation)) < read.rotation
        return Value.cast(Mux(behind, read.next_row, read.row))

    def _fill_word(self) -> Value:
        """Number of the word that a beat belongs to."""
        return self.fill_address[ceil_log2(self.config.word_bits // self.config.bus_bits) :]

    def _write(
        self, m: Module, number: int, bank: BlockRam, fill: StreamQueue, store: Any, store_row: Value
    ) -> None:
        """Register what a bank's second port does: write an output, or else read for the store, or else write
        a beat.
        """
        config, output, beat = self.config, self.outputs, fill.o.payload
        m.d.comb += fill.o.ready.eq(~output.valid[number] & ~store)
        m.d.sync += [
            bank.write_en.eq(
                Mux(
                    output.valid[number],
                    self._enables(output.part, config.rows * VALUE_BITS),
                    Mux(fill.o.valid & ~store, self._enables(beat.part, config.bus_bits), 0),
                )
            ),
            bank.write_addr.eq(
                Mux(output.valid[number], output.rows[number], Mux(store, store_row, beat.row))
            ),
            bank.back_en.eq(store & ~output.valid[number]),
        ]
        written = Mux(
            output.valid[number],
            output.data[number].replicate(config.word_channels // config.rows),
            beat.data.replicate(config.word_bits // config.bus_bits),
        )
        m.d.comb += bank.write_data.eq(delay(m, written, 1, f"write_data_{number}"))

    def _enables(self, parts: Any, part_bits: int) -> Value:
        """Write enables of a bank for a word's parts of ``part_bits`` bits, one bit each."""
        enables = [bit.replicate(part_bits // self.granularity) for bit in Value.cast(parts)]
        return Value.cast(Cat(*enables))

    def _rotate(self, m: Module, words: list, rotation) -> list[Signal]:
        """Registered: column c receives bank ``(c + rotation) mod cols``, in one stage per address bit."""
        for bit in range(len(rotation)):
            step = 1 << bit
            words = [Mux(rotation[bit], words[(c + step) % len(words)], word) for c, word in enumerate(words)]
        rotated = []
        for col, word in enumerate(words):
            register = Signal(self.config.word_bits, name=f"rotated_{col}", reset_less=True)
            m.d.sync += register.eq(word)
            rotated.append(register)
        return rotated
