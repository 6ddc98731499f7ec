"""Counts the cycles of jobs by cause."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from crisp_hw.parts.sharing import Shareable
from crisp_spec.cycle_causes import CORE_CAUSES

CAUSE_LAYOUT = data.StructLayout(dict.fromkeys(CORE_CAUSES, 1))
"""The cause that a cycle counts for: at most one bit is set."""

COUNTERS_LAYOUT = data.StructLayout(dict.fromkeys(CORE_CAUSES, 32))
"""Cycles of jobs that ran one behind the other, by cause; their sum is all cycles from start to done."""


class CycleCounters(Shareable):
    """One counter for each cause. A cycle is counted in the next one: the counters are far from the states.

    Members
    -------
    cause : In(CAUSE_LAYOUT), of this cycle.
    anew : In(1), a job starts after a rest: count this cycle as its prologue's, and in advance as its flush's
        the last one, in which the counters settle.
    counters : Out(COUNTERS_LAYOUT).
    """

    def __init__(self):
        super().__init__({"cause": In(CAUSE_LAYOUT), "anew": In(1), "counters": Out(COUNTERS_LAYOUT)})

    def elaborate(self, platform):
        m = Module()
        counted = Signal(CAUSE_LAYOUT)
        m.d.sync += counted.eq(self.cause)
        for cause in CORE_CAUSES:
            with m.If(counted[cause]):
                m.d.sync += self.counters[cause].eq(self.counters[cause] + 1)
        with m.If(self.anew):
            m.d.sync += [self.counters.eq(0), self.counters.prologue.eq(1), self.counters.flush.eq(1)]
        return m
