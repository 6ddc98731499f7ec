"""Counts tokens in program order, so that a program that could lock up is found at dispatch."""

from amaranth.hdl import Array, Module, Signal
from amaranth.lib.wiring import In, Out

from crisp_hw.control.payloads import TOKEN_PAIRS
from crisp_hw.parts.sharing import Shareable
from crisp_spec.commands import COMMAND_BITS, ENGINES, FORMATS, OPCODE, TOKEN_LIMIT
from crisp_spec.fields import word_offsets


class TokenLedger(Shareable):
    """Whether a command waits for a token that is not there, or puts down one too many.

    Members
    -------
    command : In(512); misuse : Out(1), two cycles after a command has become stable, or the one before it
        was passed.
    passed : In(1), the command is on its way.
    """

    def __init__(self):
        super().__init__({"command": In(COMMAND_BITS), "misuse": Out(1), "passed": In(1)})

    def elaborate(self, platform):
        m = Module()
        takes, gives = Signal(len(TOKEN_PAIRS)), Signal(len(TOKEN_PAIRS))
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
        with m.Switch(self.command[: OPCODE.bits]):
            for opcode, engine in ENGINES.items():
                offsets = word_offsets(FORMATS[opcode])
                with m.Case(opcode):
                    for number, (giver, taker) in enumerate(TOKEN_PAIRS):
                        if taker == engine:
                            m.d.sync += takes[number].eq(self.command[offsets[f"wait_{giver}"]])
                        if giver == engine:
                            m.d.sync += gives[number].eq(self.command[offsets[f"signal_{taker}"]])
