"""Life of a program: start, end, abort and reset."""

from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import In, Out

from crisp_hw.parts.sharing import Shareable

COUNTER_BITS = 32


class ProgramControl(Shareable):
    """Starts a program, waits until it has come to rest, or aborts it.

    A program begins with one cycle of ``clear``; ``launch`` follows. It has come to rest when nothing will
    be dispatched any more, no engine works and no bus transaction is open. The watchdog and a soft reset end
    it before: ``abort`` is high until the bus is idle, and one cycle more together with ``clear`` and
    ``core_reset``.

    Members
    -------
    start : In(1), run the program; a strobe, ignored while busy.
    reset : In(1), soft reset; a strobe.
    watchdog : In(32), cycles that a program may take, 0 for no limit.
    total : In(32), cycles so far.
    halted : In(1), nothing will be dispatched any more.
    ended : In(1), because there was an END.
    failed : In(1), there is an error.
    engines_idle : In(1), no engine works or will.
    bus_idle : In(1), no burst is open.
    clear : Out(1), resets all that works on a program.
    core_reset : Out(1), resets the core.
    forget : Out(1), resets counters and the last error. All three are registers that are high for one cycle,
        and in the cycle after a reset of this component.
    launch : Out(1), begin to fetch and to dispatch.
    abort : Out(1), the bus is to come to rest.
    counting : Out(1), the program runs.
    abandoned : Out(1), in the cycle after an abort began.
    expired : Out(1), the watchdog strikes, for one cycle.
    busy, done, resetting : Out(1), see the status register.
    completed : Out(1), a program has come to its END; a strobe.
    stopped : Out(1), a program has been stopped by an error; a strobe.
    """

    def __init__(self):
        inputs = ("start", "reset", "halted", "ended", "failed", "engines_idle", "bus_idle")
        resets = ("clear", "core_reset", "forget")
        outputs = ("launch", "abort", "counting", "abandoned")
        status = ("expired", "busy", "done", "resetting", "completed", "stopped")
        super().__init__(
            {
                **{name: In(1) for name in inputs},
                "watchdog": In(COUNTER_BITS),
                "total": In(COUNTER_BITS),
                **{name: Out(1, init=1) for name in resets},
                **{name: Out(1) for name in (*outputs, *status)},
            }
        )

    def elaborate(self, platform):
        m = Module()
        late = Signal()
        quiet = Signal()
        aborted = Signal()
        m.d.sync += [
            aborted.eq(self.abort),
            late.eq(self.counting & self.watchdog.any() & (self.total >= self.watchdog)),
            quiet.eq(self.counting & self.halted & self.engines_idle & self.bus_idle),
            self.clear.eq(0),
            self.core_reset.eq(0),
            self.forget.eq(0),
            self.abandoned.eq(0),
            self.completed.eq(0),
            self.stopped.eq(0),
        ]
        m.d.comb += self.busy.eq(1)
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.busy.eq(0)
                with m.If(self.reset):
                    m.d.sync += self.resetting.eq(1)
                    m.next = "ABORT"
                with m.Elif(self.start):
                    m.d.sync += [self.done.eq(0), self.clear.eq(1), self.forget.eq(1)]
                    m.next = "CLEAR"
            with m.State("CLEAR"):
                m.next = "LAUNCH"
                self._abort_on(m, self.reset)
            with m.State("LAUNCH"):
                m.d.comb += [self.launch.eq(1), self.counting.eq(1)]
                m.next = "RUN"
                self._abort_on(m, self.reset)
            with m.State("RUN"):
                m.d.comb += self.counting.eq(1)
                with m.If(quiet):
                    succeeded = self.ended & ~self.failed
                    m.d.sync += [
                        self.done.eq(succeeded),
                        self.completed.eq(succeeded),
                        self.stopped.eq(~succeeded),
                    ]
                    m.next = "IDLE"
                with m.Elif(late):
                    m.d.comb += self.expired.eq(1)
                    m.d.sync += self.abandoned.eq(1)
                    m.next = "ABORT"
                self._abort_on(m, self.reset)
            with m.State("ABORT"):
                m.d.comb += self.abort.eq(1)
                with m.If(self.reset):
                    m.d.sync += self.resetting.eq(1)
                with m.If(self.bus_idle & aborted):  # the bus obeys a cycle later
                    m.d.sync += [
                        self.clear.eq(1),
                        self.core_reset.eq(1),
                        self.forget.eq(self.resetting | self.reset),
                    ]
                    m.next = "RESET"
            with m.State("RESET"):
                m.d.comb += self.abort.eq(1)  # what is about to be cleared must not begin a burst now
                m.d.sync += [self.resetting.eq(0), self.stopped.eq(~(self.resetting | self.reset))]
                with m.If(self.resetting):
                    m.d.sync += self.done.eq(0)
                m.next = "IDLE"
                self._abort_on(m, self.reset)  # only the next round forgets the error
        return m

    def _abort_on(self, m: Module, reset) -> None:
        with m.If(reset):
            m.d.sync += [self.resetting.eq(1), self.abandoned.eq(self.counting)]
            m.next = "ABORT"
