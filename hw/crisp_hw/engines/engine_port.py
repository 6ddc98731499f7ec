"""The side of an engine that faces dispatcher, tokens and errors; the same for all three engines."""

from collections.abc import Callable
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Member, Out

from crisp_hw.bus.payloads import stream_of
from crisp_hw.bus.stream_queue import StreamQueue
from crisp_hw.control.payloads import (
    COMMAND_LAYOUTS,
    ERROR_LAYOUT,
    INDEX_BITS,
    QUEUE_DEPTH,
    SIGNALS,
    STOP_LAYOUT,
    WAITS,
)
from crisp_hw.engines.engine_control import EngineControl
from crisp_hw.parts.sharing import shared

NO_COMMAND = (1 << INDEX_BITS) - 1


def engine_members(name: str) -> dict[str, Member]:
    """Ports that every engine has.

    i : stream of commands, see ``COMMAND_LAYOUTS``.
    tokens : In, tokens are there; take : Out; one bit for each of ``WAITS``. give : Out, one bit for each of
        ``SIGNALS``. See ``CreditCounter``.
    stop : In(STOP_LAYOUT); error : stream of ERROR_LAYOUT; see ``EngineControl``.
    oldest : Out(26), index of the command at work or next, ``NO_COMMAND`` if there is none.
    working : Out(1), a command has been started; waiting : Out, for whose token, as in ``tokens``.
    idle : Out(1), nothing runs and nothing will be started.
    """
    waits, signals = len(WAITS[name]), len(SIGNALS[name])
    return {
        "i": In(stream_of(COMMAND_LAYOUTS[name])),
        "tokens": In(waits),
        "take": Out(waits),
        "give": Out(signals),
        "stop": In(STOP_LAYOUT),
        "error": Out(stream_of(ERROR_LAYOUT)),
        "oldest": Out(INDEX_BITS),
        "working": Out(1),
        "waiting": Out(waits),
        "idle": Out(1),
    }


def connect_control(
    m: Module, platform: Any, engine: Any, name: str, kind: Callable[..., Any] = EngineControl
) -> tuple[Any, Any]:
    """Give ``engine`` its queue and a control of some ``kind``; return the control and the command at the
    queue's head.

    The head is a register of hundreds of bits. A command that has left is followed two cycles later, so that
    what enables the register comes from one.
    """
    layout = engine.i.payload.shape()
    queue = StreamQueue(layout, QUEUE_DEPTH, registered=False)
    control = kind(waits=len(WAITS[name]), signals=len(SIGNALS[name]))
    m.submodules.queue = shared(platform, queue)
    m.submodules.control = shared(platform, control)
    wiring.connect(m, wiring.flipped(engine.i), queue.i)
    wiring.connect(m, control.error, wiring.flipped(engine.error))
    command, valid, follows = Signal(layout, name="head", reset_less=True), Signal(), Signal()
    m.d.sync += follows.eq(queue.o.valid & ~follows & (~valid | control.next))
    with m.If(follows):
        m.d.sync += [command.eq(queue.o.payload), valid.eq(1)]
    with m.Elif(control.next):
        m.d.sync += valid.eq(0)
    m.d.comb += [
        control.valid.eq(valid),
        queue.o.ready.eq(follows),
        control.index.eq(command.index),
        control.sync.eq(command.sync),
        control.waits.eq(Cat(command[f"wait_{partner}"] for partner in WAITS[name])),
        control.signals.eq(Cat(command[f"signal_{partner}"] for partner in SIGNALS[name])),
        control.tokens.eq(engine.tokens),
        control.stop.eq(engine.stop),
        engine.take.eq(control.take),
        engine.give.eq(control.give),
        engine.working.eq(control.working),
        engine.waiting.eq(control.waiting),
        engine.idle.eq(control.stopped & (valid | queue.empty)),
        engine.oldest.eq(Mux(queue.empty, NO_COMMAND, queue.o.payload.index)),
    ]
    with m.If(valid):
        m.d.comb += engine.oldest.eq(command.index)
    return control, command
