"""Tokens that lie between two engines."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from crisp_golden.program.commands import TOKEN_LIMIT
from crisp_hw.control.layouts import QUEUE_DEPTH


class TokenCounter(wiring.Component):
    """Counts tokens; one can be put down and one taken in the same cycle.

    In program order there are never more than ``TOKEN_LIMIT``, but the engine that puts them down may be
    ahead of that order by what the other one's queue holds.

    Members
    -------
    give, take : In(1); available : Out(1), one cycle behind ``give``.
    """

    module_name = "token_counter"

    def __init__(self):
        super().__init__({"give": In(1), "take": In(1), "available": Out(1)})

    def elaborate(self, platform):
        m = Module()
        count = Signal(range(TOKEN_LIMIT + 2 * QUEUE_DEPTH + 1))
        m.d.sync += self.available.eq(self.give | (self.available & ~((count == 1) & self.take)))
        with m.If(self.give != self.take):
            m.d.sync += count.eq(count + Mux(self.give, 1, -1))
        return m
