"""How many of something there are, where it matters most whether there are any."""

from amaranth.hdl import Module, Mux
from amaranth.lib.wiring import In, Out

from crisp_hw.parts.sharing import Shareable


class CreditCounter(Shareable):
    """Counts what one side gives and the other takes; both may happen in the same cycle.

    Parameters
    ----------
    limit : the highest count; initial : the count after a reset.

    Members
    -------
    give : In(1), below ``limit``; take : In(1), only while ``available``.
    available : Out(1), there are some, a register; count : Out; both one cycle behind.
    """

    def __init__(self, limit: int, *, initial: int = 0):
        self.limit, self.initial = limit, initial
        super().__init__(
            {
                "give": In(1),
                "take": In(1),
                "available": Out(1, init=int(initial > 0)),
                "count": Out(range(limit + 1), init=initial),
            }
        )

    @property
    def module_name(self) -> str:
        """Name that tells both parameters."""
        return f"credit_counter_{self.limit}_{self.initial}"

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.available.eq(self.give | (self.available & ~((self.count == 1) & self.take)))
        with m.If(self.give != self.take):
            m.d.sync += self.count.eq(self.count + Mux(self.give, 1, -1))
        return m
