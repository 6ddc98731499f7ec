"""Counts tokens in program order, so that a program that could lock up is found at dispatch."""

from amaranth.hdl import Array, Module, Signal
from amaranth.lib.wiring import In, Out

from crisp_hw.control.engine_commands import TOKEN_PAIRS
from crisp_hw.parts.sharing import Shareable
from crisp_spec.commands import ENGINES, FORMATS, OPCODE, TOKEN_LIMIT
from crisp_spec.fields import WORD_BITS, word_offsets


class TokenLedger(Shareable):
    """Whether a command waits for a token that is not there, or puts down one too many.

    Members
    -------
    head : In(32), the first word of the command, in which opcode and tokens are.
    passed : In(1), the command is on its way.
    misuse : Out(1), two cycles after a command has become stable, or the one before it was passed.
    """

    def __init__(self):
        super().__init__({"head": In(WORD_BITS), "passed": In(1), "misuse": Out(1)})

    def elaborate(self, platform):
        m = Module()
        takes = Signal(len(TOKEN_PAIRS))
        gives = Signal(len(TOKEN_PAIRS))
        self._decode(m, takes, gives)
        counts = Array(
            Signal(range(TOKEN_LIMIT + 1), name=f"{giver}_to_{taker}") for giver, taker in TOKEN_PAIRS
        )
        wrong = Signal(len(TOKEN_PAIRS))
        for number, count in enumerate(counts):
            take, give = takes[number], gives[number]
            m.d.comb += wrong[number].eq((take & (count == 0)) | (give & (count == TOKEN_LIMIT)))
            with m.If(self.passed):
                m.d.sync += count.eq(count + give - take)
        m.d.sync += self.misuse.eq(wrong.any())
        return m

    def _decode(self, m: Module, takes: Signal, gives: Signal) -> None:
        """Registered: the flags of the command's format as bits in the order of ``TOKEN_PAIRS``."""
        m.d.sync += [takes.eq(0), gives.eq(0)]
        with m.Switch(self.head[: OPCODE.bits]):
            for opcode, engine in ENGINES.items():
                offsets = word_offsets(FORMATS[opcode])
                with m.Case(opcode):
                    for number, (giver, taker) in enumerate(TOKEN_PAIRS):
                        if taker == engine:
                            m.d.sync += takes[number].eq(self.head[offsets[f"wait_{giver}"]])
                        if giver == engine:
                            m.d.sync += gives[number].eq(self.head[offsets[f"signal_{taker}"]])
