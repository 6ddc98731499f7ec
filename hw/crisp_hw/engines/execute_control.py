"""When the execute engine starts a command, and when it puts down its tokens."""

from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import In, Out

from crisp_hw.control.payloads import INDEX_BITS
from crisp_hw.engines.engine_control import control_members
from crisp_hw.parts.sharing import Shareable


class ExecuteControl(Shareable):
    """Like ``EngineControl``, but the next command begins before the job of the one before has ended.

    A command leaves the queue's head as soon as the core would take the next start; what it puts down waits
    for the job's end. At most one job is ending. A command without work waits for it.

    Parameters
    ----------
    waits, signals : as of ``EngineControl``.

    Members
    -------
    ready : In(1), the core takes a start; not in the cycle after one. done : In(1), the last cycle of a job.
    ending : Out(1), a job has left the head and has not ended; ending_index : Out(26), its command.
    All others as of ``EngineControl``; there never is an error.
    """

    def __init__(self, *, waits: int, signals: int):
        self.counts = waits, signals
        super().__init__(
            {
                **control_members(waits, signals),
                "ready": In(1),
                "done": In(1),
                "ending": Out(1),
                "ending_index": Out(INDEX_BITS),
            }
        )

    @property
    def module_name(self) -> str:
        """Name that tells how many kinds of tokens there are."""
        return "execute_control_{}_{}".format(*self.counts)

    def elaborate(self, platform):
        m = Module()
        refused, ended = Signal(), Signal()
        missing, owed = Signal(len(self.waits)), Signal(len(self.signals))
        # It comes a cycle after the command is at the head, and is looked at again before the command starts.
        m.d.sync += [
            refused.eq(self.stop.valid & (self.index > self.stop.index)),
            ended.eq(self.done),
        ]
        m.d.comb += missing.eq(self.waits & ~self.tokens)
        with m.If(ended):
            m.d.comb += self.give.eq(owed)
            m.d.sync += self.ending.eq(0)
        m.d.comb += self.working.eq(self.ending)
        with m.FSM():
            with m.State("WAIT"):
                m.d.comb += self.stopped.eq((refused | ~self.valid) & ~self.ending)
                with m.If(self.valid & ~refused):
                    with m.If(missing.any()):
                        m.d.comb += self.waiting.eq(missing & (~missing + 1))
                    with m.Elif(~(self.sync & self.ending)):
                        m.d.comb += self.take.eq(self.waits)
                        m.next = "START"
                        with m.If(self.sync):
                            m.next = "SIGNAL"
            with m.State("START"):
                m.d.comb += [self.start.eq(~refused), self.working.eq(~refused)]
                m.next = "WORK"
                with m.If(refused):
                    m.next = "WAIT"
            with m.State("WORK"):
                m.d.comb += self.working.eq(1)
                with m.If(self.ready):
                    m.d.comb += self.next.eq(1)
                    m.d.sync += [
                        self.ending.eq(1),
                        self.ending_index.eq(self.index),
                        owed.eq(self.signals),
                    ]
                    m.next = "WAIT"
            with m.State("SIGNAL"):
                # A command that is refused may leave: those behind it are refused as well.
                m.d.comb += self.next.eq(1)
                with m.If(~refused):
                    m.d.comb += self.give.eq(self.signals)
                m.next = "WAIT"
        return m
