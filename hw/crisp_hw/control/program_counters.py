"""Where the cycles of a program went."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.wiring import In, Out

from crisp_hw.core.sequencing.cycle_counters import COUNTERS_LAYOUT
from crisp_hw.parts.sharing import Shareable
from crisp_spec.registers import COUNTERS

COUNTER_BITS = 32

EVENTS = ("load_busy", "load_wait", "store_busy", "store_wait", "read_beats", "write_beats", "fetch_beats")
"""Counters that count the cycles in which something is so."""


class ProgramCounters(Shareable):
    """The counters of ``crisp_spec.registers.COUNTERS``.

    Every cycle of a program is counted once: by the core, or as waiting for a token, or as idle. The core's
    own counters are added when it has come to rest. The cycles of jobs that are abandoned count as idle.

    Members
    -------
    clear : In(1), all counters become 0.
    counting : In(1), the program runs.
    job : In(COUNTERS_LAYOUT), counters of the core.
    counted : In(1), ``job`` is to be added.
    abandoned : In(1), the program has been aborted.
    core_busy : In(1), a job runs.
    waits_load : In(1), the execute engine waits for a token of the load engine.
    waits_store : In(1), it waits for a token of the store engine.
    events : In, one bit for each of ``EVENTS``.
    total, prologue, ... : Out(32), the counters, each under its name.
    """

    def __init__(self):
        inputs = ("clear", "counting", "counted", "abandoned", "core_busy", "waits_load", "waits_store")
        super().__init__(
            {
                **{name: In(1) for name in inputs},
                "job": In(COUNTERS_LAYOUT),
                "events": In(len(EVENTS)),
                **{name: Out(COUNTER_BITS) for name, _ in COUNTERS},
            }
        )

    def elaborate(self, platform):
        m = Module()
        job_cycles = Signal(COUNTER_BITS)
        with m.If(self.counting):
            m.d.sync += self.total.eq(self.total + 1)
            for number, name in enumerate(EVENTS):
                counter = getattr(self, name)
                m.d.sync += counter.eq(counter + self.events[number])
            with m.If(self.core_busy):
                m.d.sync += job_cycles.eq(job_cycles + 1)
            with m.Elif(self.waits_load):
                m.d.sync += self.wait_load.eq(self.wait_load + 1)
            with m.Elif(self.waits_store):
                m.d.sync += self.wait_store.eq(self.wait_store + 1)
            with m.If(self.counted):
                m.d.sync += job_cycles.eq(self.core_busy)
                for name in COUNTERS_LAYOUT.members:
                    counter = getattr(self, name)
                    m.d.sync += counter.eq(counter + self.job[name])
        rests = self.counting & ~(self.core_busy | self.waits_load | self.waits_store)
        m.d.sync += self.idle.eq(self.idle + Mux(self.abandoned, job_cycles, rests))
        with m.If(self.clear):
            m.d.sync += [getattr(self, name).eq(0) for name, _ in COUNTERS]
            m.d.sync += job_cycles.eq(0)
        return m
