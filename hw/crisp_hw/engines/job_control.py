"""When the execute engine starts a command, and when it puts down its tokens."""

from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import In, Out

from crisp_hw.control.engine_commands import INDEX_BITS
from crisp_hw.engines.engine_control import EngineControl


class JobControl(EngineControl):
    """The next command begins before the job of the one before has ended, and no command fails.

    It differs from ``TransferControl``, which has one command at a time. A command leaves the queue's head as
    soon as the core would take the next start; one cycle after the job's end its tokens are put down. At most
    one job is ending. A command without work waits for it.

    Parameters
    ----------
    waits, signals : as for ``EngineControl``.

    Members
    -------
    As in ``EngineControl``; ``error`` is never valid, and
    ready : In(1), the core takes a start; not in the cycle after one.
    done : In(1), the last cycle of a job.
    ending : Out(1), a job has left the head and has not ended.
    ending_index : Out(26), its command.
    """

    def __init__(self, *, waits: int, signals: int):
        members = {"ready": In(1), "done": In(1), "ending": Out(1), "ending_index": Out(INDEX_BITS)}
        super().__init__(waits=waits, signals=signals, members=members)

    @property
    def module_name(self) -> str:
        """Name that tells how many kinds of tokens there are."""
        return "job_control_{}_{}".format(*self.counts)

    def elaborate(self, platform):
        m = Module()
        ended = Signal()
        owed = Signal(len(self.signals))
        m.d.sync += ended.eq(self.done)
        with m.If(ended):
            m.d.comb += self.tokens.give.eq(owed)
            m.d.sync += self.ending.eq(0)
        with m.FSM() as fsm:
            self.add_common_states(m, rests=~self.ending)
            with m.State("WORK"), m.If(self.ready):
                m.d.comb += self.next.eq(1)
                m.d.sync += [
                    self.ending.eq(1),
                    self.ending_index.eq(self.index),
                    owed.eq(self.signals),
                ]
                m.next = "WAIT"
        m.d.comb += self.working.eq(self.start | fsm.ongoing("WORK") | self.ending)
        return m
