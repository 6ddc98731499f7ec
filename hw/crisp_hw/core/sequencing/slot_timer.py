"""Times the slots into which a job is divided."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib.wiring import In, Out

from crisp_hw.parts.sharing import Shareable


class SlotTimer(Shareable):
    """Announces the last cycle of a slot in the cycle before it.

    It counts down to -1, so that the announcement is a matter of few bits. A slot takes at least two cycles.

    Parameters
    ----------
    bits : width of a slot's cycles.

    Members
    -------
    begins : In(1), a slot begins in the next cycle.
    cycles_less_3 : In(signed), how long it takes.
    ends_soon : Out(1), the next cycle is the slot's last.
    """

    def __init__(self, bits: int):
        self.bits = bits
        super().__init__({"begins": In(1), "cycles_less_3": In(signed(bits + 1)), "ends_soon": Out(1)})

    @property
    def module_name(self) -> str:
        """Name that tells the width."""
        return f"slot_timer_{self.bits}"

    def elaborate(self, platform):
        m = Module()
        left = Signal.like(self.cycles_less_3)
        running = Signal()
        m.d.comb += self.ends_soon.eq(running & (left < 0))
        m.d.sync += left.eq(left - 1)
        with m.If(self.begins):
            m.d.sync += [running.eq(1), left.eq(self.cycles_less_3)]
        with m.Elif(self.ends_soon):
            m.d.sync += running.eq(0)
        return m
