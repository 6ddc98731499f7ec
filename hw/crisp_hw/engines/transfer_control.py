"""When the load and the store engine start a command, and when they put down its tokens."""

from amaranth.hdl import Const, Module, Signal
from amaranth.lib.wiring import In

from crisp_hw.control.engine_commands import ERROR_CODE_BITS
from crisp_hw.engines.engine_control import EngineControl


class TransferControl(EngineControl):
    """One command at a time, and a command may fail.

    It differs from ``JobControl``, where the next command begins before the one before has ended, and none
    fails. One cycle after ``finished`` the tokens of a command are put down and the queue advances. After an
    error of its own the engine is ``stopped`` until it is reset.

    Parameters
    ----------
    waits, signals : as for ``EngineControl``.

    Members
    -------
    As in ``EngineControl``, and
    finished : In(1), ignored before the cycle after ``start``.
    failure : In(8), an error code at ``finished``, or 0.
    """

    def __init__(self, *, waits: int, signals: int):
        members = {"finished": In(1), "failure": In(ERROR_CODE_BITS)}
        super().__init__(waits=waits, signals=signals, members=members)

    @property
    def module_name(self) -> str:
        """Name that tells how many kinds of tokens there are."""
        return "transfer_control_{}_{}".format(*self.counts)

    def elaborate(self, platform):
        m = Module()
        failure = Signal(ERROR_CODE_BITS)
        m.d.comb += [self.error.payload.code.eq(failure), self.error.payload.index.eq(self.index)]
        with m.FSM() as fsm:
            self.add_common_states(m, rests=Const(1, 1))
            with m.State("WORK"):
                m.d.sync += failure.eq(self.failure)
                with m.If(self.finished):
                    m.next = "SIGNAL"
                    with m.If(self.failure.any()):
                        m.next = "FAIL"
            with m.State("FAIL"):
                m.d.comb += self.error.valid.eq(1)
                with m.If(self.error.ready):
                    m.next = "HALT"
            with m.State("HALT"):  # what is in the queue has a higher index, or is the culprit itself
                m.d.comb += self.stopped.eq(1)
        ends = fsm.ongoing("SIGNAL") & ~self.sync
        m.d.comb += self.working.eq(self.start | fsm.ongoing("WORK") | fsm.ongoing("FAIL") | ends)
        return m
