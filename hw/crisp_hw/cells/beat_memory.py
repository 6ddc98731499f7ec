"""Block RAM that is written in beats of the bus and read in words of another width."""

from typing import Any, ClassVar

from amaranth.hdl import Const, Module, Signal
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_hw.cells.block_ram import BlockRam
from crisp_hw.cells.technology import Technology
from crisp_hw.parts.select import select
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.latencies import BEAT_MEMORY_LATENCY


class BeatMemory(Shareable):
    """Memory of ``words`` words, filled in beats of ``beat_bits``; both widths are powers of two.

    A beat holds several narrower words, the first in its lowest bits, or a part of a wider word, the first
    beat of a word in its lowest bits. A read takes ``latency`` cycles and one can start in every cycle; the
    data stays until the next read's replaces it. Reading a word in the cycle in which it is written gives
    undefined data.

    Parameters
    ----------
    word_bits, words : shape as the reader sees it.
    beat_bits : width of a write.
    technology : of the block RAM.

    Members
    -------
    write_en : In(1); write_addr : In, number of the beat; write_data : In(beat_bits).
    read_en : In(1); read_addr : In, number of the word; read_data : Out(word_bits).
    """

    latency: ClassVar[int] = BEAT_MEMORY_LATENCY

    write_en: Signal
    write_addr: Signal
    write_data: Signal
    read_en: Signal
    read_addr: Signal
    read_data: Signal

    def __init__(self, *, word_bits: int, words: int, beat_bits: int, technology: Technology):
        self.word_bits, self.words, self.beat_bits, self.technology = word_bits, words, beat_bits, technology
        self.width = max(word_bits, beat_bits)
        # A block RAM has at least two words, however small the memory is.
        self.depth = max(2, words * word_bits // self.width)
        super().__init__(
            {
                "write_en": In(1),
                "write_addr": In(ceil_log2(self.depth * self.width // beat_bits)),
                "write_data": In(beat_bits),
                "read_en": In(1),
                "read_addr": In(ceil_log2(self.depth * self.width // word_bits)),
                "read_data": Out(word_bits),
            }
        )

    @property
    def module_name(self) -> str:
        """Name that tells the shape and the technology."""
        return f"beat_memory_{self.word_bits}x{self.words}_by_{self.beat_bits}{self.technology.suffix}"

    def elaborate(self, platform: object) -> Module:
        m = Module()
        ram = BlockRam(
            width=self.width, depth=self.depth, granularity=self.beat_bits, technology=self.technology
        )
        m.submodules.ram = shared(platform, ram)
        part_bits = ceil_log2(self.width // self.beat_bits)
        place_bits = ceil_log2(self.width // self.word_bits)
        m.d.comb += [
            ram.write_en.eq((Const(1, 1) & self.write_en) << self.write_addr[:part_bits]),
            ram.write_addr.eq(self.write_addr[part_bits:]),
            ram.write_data.eq(self.write_data.replicate(self.width // self.beat_bits)),
            ram.read_en.eq(self.read_en),
            ram.read_addr.eq(self.read_addr[place_bits:]),
        ]
        requested = Signal(place_bits, reset_less=True)
        place = Signal(place_bits, reset_less=True)
        word = Signal(self.word_bits, reset_less=True)
        with m.If(self.read_en):
            m.d.sync += requested.eq(self.read_addr[:place_bits])
        words: list[Any] = [ram.read_data.word_select(i, self.word_bits) for i in range(1 << place_bits)]
        m.d.sync += [place.eq(requested), word.eq(select(words, place) if place_bits else ram.read_data)]
        m.d.comb += self.read_data.eq(word)
        return m
