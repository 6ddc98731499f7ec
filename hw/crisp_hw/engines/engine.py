"""The side of an engine that faces dispatcher, tokens and errors; the same for all three engines."""

from typing import Any, ClassVar

from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Member, Out

from crisp_hw.bus.bursts import stream_of
from crisp_hw.control.engine_commands import (
    COMMAND_LAYOUTS,
    ERROR_LAYOUT,
    INDEX_BITS,
    SIGNALS,
    STOP_LAYOUT,
    WAITS,
    TokenSignature,
)
from crisp_hw.engines.command_queue import CommandQueue
from crisp_hw.engines.engine_control import EngineControl
from crisp_hw.parts.sharing import Shareable, shared


class Engine(Shareable):
    """What executes the commands of one kind; the base of the three engines.

    Parameters
    ----------
    members : ports that a derived class has besides.

    Members
    -------
    i : In, stream of commands, see ``COMMAND_LAYOUTS``.
    tokens : Out(TokenSignature), with bits for the engines in ``WAITS`` and in ``SIGNALS``.
    stop : In(STOP_LAYOUT), commands that are not to be started.
    error : Out, stream of ``ERROR_LAYOUT``.
    oldest : Out(26), index of the command at work or next, ``NO_COMMAND`` if there is none.
    working : Out(1), a command has been started.
    waiting : Out, for whose token, as in ``tokens.take``.
    idle : Out(1), nothing runs and nothing will be started.
    """

    name: ClassVar[str]
    """Key of ``COMMAND_LAYOUTS``."""

    def __init__(self, members: dict[str, Member]):
        self.counts = len(WAITS[self.name]), len(SIGNALS[self.name])
        super().__init__(
            {
                "i": In(stream_of(COMMAND_LAYOUTS[self.name])),
                "tokens": Out(TokenSignature(*self.counts)),
                "stop": In(STOP_LAYOUT),
                "error": Out(stream_of(ERROR_LAYOUT)),
                "oldest": Out(INDEX_BITS),
                "working": Out(1),
                "waiting": Out(self.counts[0]),
                "idle": Out(1),
                **members,
            }
        )

    def add_control(self, m: Module, platform: Any, control: EngineControl) -> Any:
        """Give the engine its queue and its control; return the command at the queue's head."""
        queue = CommandQueue(self.name)
        m.submodules.queue = shared(platform, queue)
        m.submodules.control = shared(platform, control)
        command = queue.head
        wiring.connect(m, wiring.flipped(self.i), queue.i)
        wiring.connect(m, control.tokens, wiring.flipped(self.tokens))
        wiring.connect(m, control.error, wiring.flipped(self.error))
        m.d.comb += [
            control.valid.eq(queue.valid),
            control.index.eq(command.index),
            control.sync.eq(command.sync),
            control.waits.eq(Cat(command[f"wait_{partner}"] for partner in WAITS[self.name])),
            control.signals.eq(Cat(command[f"signal_{partner}"] for partner in SIGNALS[self.name])),
            control.stop.eq(self.stop),
            queue.next.eq(control.next),
            self.working.eq(control.working),
            self.waiting.eq(control.waiting),
            self.idle.eq(control.stopped & (queue.valid | queue.empty)),
            self.oldest.eq(queue.oldest),
        ]
        return command
