"""What the controls of all engines have in common: tokens, refusal, and when to start a command."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import In, Member, Out

from crisp_hw.bus.bursts import stream_of
from crisp_hw.control.engine_commands import ERROR_LAYOUT, INDEX_BITS, STOP_LAYOUT, TokenSignature
from crisp_hw.parts.sharing import Shareable


class EngineControl(Shareable):
    """Takes the commands of an engine one after the other; the base of ``TransferControl`` and
    ``JobControl``.

    A command whose tokens are there takes them in the first cycle that it is at the queue's head; ``start``
    is high in the next. A command without work has no ``start``: in that cycle it puts its tokens down, and
    the queue advances.

    Parameters
    ----------
    waits : number of engines whose tokens are taken.
    signals : number of engines for which tokens are put down.
    members : ports that a derived class has besides.

    Members
    -------
    valid : In(1), there is a command at the queue's head.
    index : In(26), its place in the program.
    sync : In(1), it only moves tokens.
    waits : In, one bit for each engine whose token it takes.
    signals : In, one bit for each engine for which it puts one down.
    next : Out(1), advance the queue.
    tokens : Out(TokenSignature).
    stop : In(STOP_LAYOUT), commands that are not to be started.
    start : Out(1), begin to work on the command.
    error : Out, stream of ``ERROR_LAYOUT``.
    working : Out(1), a command has been started.
    waiting : Out, the engine that is waited for, the first if there are two.
    stopped : Out(1), nothing runs, and the command at the head, if there is one, will not be started.
    """

    def __init__(self, *, waits: int, signals: int, members: dict[str, Member]):
        self.counts = waits, signals
        super().__init__(
            {
                "valid": In(1),
                "index": In(INDEX_BITS),
                "sync": In(1),
                "waits": In(waits),
                "signals": In(signals),
                "next": Out(1),
                "tokens": Out(TokenSignature(waits, signals)),
                "stop": In(STOP_LAYOUT),
                "start": Out(1),
                "error": Out(stream_of(ERROR_LAYOUT)),
                "working": Out(1),
                "waiting": Out(waits),
                "stopped": Out(1),
                **members,
            }
        )

    def add_common_states(self, m: Module, rests: Any) -> None:
        """States WAIT and START, from where it goes to WORK, and SIGNAL.

        ``rests`` : nothing is under way of commands that have left the queue's head.
        """
        refused = Signal()
        missing = Signal(len(self.waits))
        # It comes a cycle after the command is at the head, and is looked at again before the command starts.
        m.d.sync += refused.eq(self.stop.valid & (self.index > self.stop.index))
        m.d.comb += missing.eq(self.waits & ~self.tokens.available)
        with m.State("WAIT"):
            m.d.comb += self.stopped.eq((refused | ~self.valid) & rests)
            with m.If(self.valid & ~refused):
                with m.If(missing.any()):
                    m.d.comb += self.waiting.eq(missing & (~missing + 1))
                with m.Elif(~self.sync | rests):
                    m.d.comb += self.tokens.take.eq(self.waits)
                    m.next = "START"
                    with m.If(self.sync):
                        m.next = "SIGNAL"
        with m.State("START"):
            m.d.comb += self.start.eq(~refused)
            m.next = "WORK"
            with m.If(refused):
                m.next = "WAIT"
        with m.State("SIGNAL"):
            # A command that is refused may leave: those behind it are refused as well.
            m.d.comb += self.next.eq(1)
            with m.If(~(self.sync & refused)):
                m.d.comb += self.tokens.give.eq(self.signals)
            m.next = "WAIT"
