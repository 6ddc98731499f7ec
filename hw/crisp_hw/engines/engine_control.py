"""What the three engines have in common: tokens, errors, and when to start a command."""

from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import In, Member, Out

from crisp_hw.bus.payloads import stream_of
from crisp_hw.control.payloads import ERROR_CODE_BITS, ERROR_LAYOUT, INDEX_BITS, STOP_LAYOUT
from crisp_hw.parts.sharing import Shareable


def control_members(waits: int, signals: int) -> dict[str, Member]:
    """Ports of every engine's control, see ``EngineControl``."""
    return {
        "valid": In(1),
        "index": In(INDEX_BITS),
        "sync": In(1),
        "waits": In(waits),
        "signals": In(signals),
        "next": Out(1),
        "tokens": In(waits),
        "take": Out(waits),
        "give": Out(signals),
        "stop": In(STOP_LAYOUT),
        "start": Out(1),
        "error": Out(stream_of(ERROR_LAYOUT)),
        "working": Out(1),
        "waiting": Out(waits),
        "stopped": Out(1),
    }


class EngineControl(Shareable):
    """Takes the commands of an engine one after the other through wait, work and signal.

    A command whose tokens are there takes them in the first cycle that it is at the queue's head; ``start``
    is high in the next. One cycle after ``finished`` its tokens are put down and the queue advances. A
    command without work goes from the first of these cycles to the last.

    Parameters
    ----------
    waits : engines whose tokens are taken; signals : engines for which tokens are put down.

    Members
    -------
    valid, index, sync, waits, signals : In, the command at the queue's head; waits, signals : one bit for
        each engine.
    next : Out(1), advance the queue.
    tokens : In(waits), tokens are there; take : Out(waits); give : Out(signals).
    stop : In(STOP_LAYOUT), commands that are not to be started.
    start : Out(1); finished : In(1), ignored before the cycle after ``start``; failure : In(8), an error
        code at ``finished``, or 0.
    succeeded : Out(1), in the cycle after ``finished`` if there was no error.
    error : stream of ERROR_LAYOUT.
    working : Out(1), a command has been started; waiting : Out(waits), the engine that is waited for,
        the first if there are two.
    stopped : Out(1), nothing runs, and the command at the head, if there is one, will not be started. After
        an error of its own the engine stays so until it is reset.
    """

    def __init__(self, *, waits: int, signals: int):
        self.counts = waits, signals
        super().__init__(
            {
                **control_members(waits, signals),
                "finished": In(1),
                "failure": In(ERROR_CODE_BITS),
                "succeeded": Out(1),
            }
        )

    @property
    def module_name(self) -> str:
        """Name that tells how many kinds of tokens there are."""
        return "engine_control_{}_{}".format(*self.counts)

    def elaborate(self, platform):
        m = Module()
        refused, failure = Signal(), Signal(ERROR_CODE_BITS)
        missing = Signal(len(self.waits))
        # It comes a cycle after the command is at the head, and is looked at again before the command starts.
        m.d.sync += refused.eq(self.stop.valid & (self.index > self.stop.index))
        m.d.comb += [
            missing.eq(self.waits & ~self.tokens),
            self.error.payload.code.eq(failure),
            self.error.payload.index.eq(self.index),
        ]
        with m.FSM():
            with m.State("WAIT"):
                m.d.comb += self.stopped.eq(refused | ~self.valid)
                with m.If(self.valid & ~refused):
                    with m.If(missing.any()):
                        m.d.comb += self.waiting.eq(missing & (~missing + 1))
                    with m.Else():
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
                m.d.sync += failure.eq(self.failure)
                with m.If(self.finished):
                    m.next = "SIGNAL"
                    with m.If(self.failure.any()):
                        m.next = "FAIL"
            with m.State("SIGNAL"):
                # A command that is refused may leave: those behind it are refused as well.
                m.d.comb += self.next.eq(1)
                with m.If(~(self.sync & refused)):
                    m.d.comb += [
                        self.working.eq(~self.sync),
                        self.succeeded.eq(~self.sync),
                        self.give.eq(self.signals),
                    ]
                m.next = "WAIT"
            with m.State("FAIL"):
                m.d.comb += [self.working.eq(1), self.error.valid.eq(1)]
                with m.If(self.error.ready):
                    m.next = "HALT"
            with m.State("HALT"):  # what is in the queue has a higher index, or is the culprit itself
                m.d.comb += self.stopped.eq(1)
        return m
