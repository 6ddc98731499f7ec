"""Activation memory: ``cols`` banks, rotator and padding.

Word w lies in bank ``w mod cols``. A read fetches ``cols`` consecutive words, one from each bank, whatever
the first address is; the rotator puts them into order. Columns outside the image read the zero point.
"""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_golden.config import VALUE_BITS, CoreConfig
from crisp_golden.timing import ACTIVATION_LATENCY
from crisp_hw.cells import BlockRam, Target
from crisp_hw.delay import delay
from crisp_hw.layouts import address_bits
from crisp_hw.sharing import shared


class ActivationMemory(wiring.Component):
    """Banked SMEM with one conflict-free read and one write per cycle.

    A read sees all writes up to the cycle of its request. A write to one of its words in the cycle after that
    makes this word undefined.

    Members
    -------
    read_en : In(1); read_addr : In, SMEM word of column 0's window.
    inside : In(cols), columns whose pixel lies in the image.
    zero_point : In(8), what the other columns read; stable while reads are under way.
    windows : Out(cols windows), ``latency`` cycles after the request; column 0 in the lowest bits.
    write_en : In(window / rows), one bit per part of ``rows`` channels; write_addr, write_data : In.
    """

    latency = ACTIVATION_LATENCY

    module_name = "activation_memory"

    def __init__(self, config: CoreConfig, *, target: Target):
        self.config = config
        self.target = target
        address = address_bits(config)
        super().__init__(
            {
                "read_en": In(1),
                "read_addr": In(address),
                "inside": In(config.cols),
                "zero_point": In(VALUE_BITS),
                "windows": Out(data.ArrayLayout(config.window_bits, config.cols)),
                "write_en": In(config.window // config.rows),
                "write_addr": In(address),
                "write_data": In(config.window_bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        bank_bits = ceil_log2(config.cols)
        rotation = self.read_addr[:bank_bits]
        words = []
        for number in range(config.cols):
            bank = self._bank()
            m.submodules[f"bank_{number}"] = shared(platform, bank)
            wraps = Const(number, bank_bits) < rotation
            m.d.sync += [bank.read_en.eq(self.read_en), bank.read_addr.eq(self.read_addr[bank_bits:] + wraps)]
            hit = self.write_addr[:bank_bits] == number
            m.d.comb += [
                bank.write_en.eq(Mux(hit, self.write_en, 0)),
                bank.write_addr.eq(self.write_addr[bank_bits:]),
                bank.write_data.eq(self.write_data),
            ]
            words.append(bank.read_data)
        rotated = self._rotate(m, words, delay(m, rotation, 1 + BlockRam.latency, "rotation"))
        inside = delay(m, self.inside, self.latency - 1, "inside")
        padding = self.zero_point.replicate(config.window)
        for col, word in enumerate(rotated):
            m.d.sync += self.windows[col].eq(Mux(inside[col], word, padding))
        return m

    def _bank(self) -> BlockRam:
        config = self.config
        return BlockRam(
            width=config.window_bits,
            depth=config.bank_depth,
            granularity=config.rows * VALUE_BITS,
            target=self.target,
        )

    def _rotate(self, m: Module, words: list, rotation) -> list[Signal]:
        """Registered: column c receives bank ``(c + rotation) mod cols``, in one stage per address bit."""
        for bit in range(len(rotation)):
            step = 1 << bit
            words = [Mux(rotation[bit], words[(c + step) % len(words)], word) for c, word in enumerate(words)]
        rotated = []
        for col, word in enumerate(words):
            register = Signal(self.config.window_bits, name=f"rotated_{col}", reset_less=True)
            m.d.sync += register.eq(word)
            rotated.append(register)
        return rotated
