"""Dispatcher: checks every command and hands it to its engine."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib.wiring import In, Out

from crisp_hw.bus.bursts import stream_of
from crisp_hw.control.command_checker import CommandChecker
from crisp_hw.control.command_fetcher import ProgramSignature
from crisp_hw.control.engine_commands import (
    COMMAND_LAYOUTS,
    ERROR_CODE_BITS,
    ERROR_LAYOUT,
    FULL_OPCODES,
    INDEX_BITS,
    STOP_LAYOUT,
    SYNC_OPCODES,
)
from crisp_hw.control.token_ledger import TokenLedger
from crisp_hw.parts.delay import delay
from crisp_hw.parts.sharing import Shareable, shared
from crisp_hw.parts.small_products import PRODUCT_LATENCY, registered_product
from crisp_spec.commands import COMMAND_BITS, FORMATS, OPCODE, Opcode
from crisp_spec.config import CoreConfig
from crisp_spec.dma_latencies import CHECK_CYCLES
from crisp_spec.error_codes import ErrorCode
from crisp_spec.fields import word_offsets

assert CommandChecker.latency >= PRODUCT_LATENCY


class Dispatcher(Shareable):
    """Takes the program's commands one by one until END or an error.

    A command takes one cycle for each of its beats, ``CHECK_CYCLES`` to be checked, and one to be
    handed over, plus the cycles that the queue of its engine is full.

    Members
    -------
    launch : In(1), begin with command 0.
    program : In(ProgramSignature), from the fetcher; ``halted``: nothing more will be dispatched.
    load : Out, stream of ``COMMAND_LAYOUTS["load"]`` into a queue, which is ready until it is full.
    execute : Out, likewise for the execute engine.
    store : Out, likewise for the store engine.
    stop : In(STOP_LAYOUT), end at once if valid.
    error : Out, stream of ``ERROR_LAYOUT``.
    index : Out(26), the command at work or next.
    ended : Out(1), there was an END.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "launch": In(1),
                "program": In(ProgramSignature(config.bus_bits)),
                **{name: Out(stream_of(layout)) for name, layout in COMMAND_LAYOUTS.items()},
                "stop": In(STOP_LAYOUT),
                "error": Out(stream_of(ERROR_LAYOUT)),
                "index": Out(INDEX_BITS),
                "ended": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        beats = COMMAND_BITS // self.config.bus_bits
        beat = Signal(range(beats))
        check = Signal(range(CHECK_CYCLES))
        takes = Signal()
        command, fetch_failed = self._command(m, takes, beat == 0)
        exhausted = Signal()
        problem = Signal(ERROR_CODE_BITS)
        hands_over = Signal()
        bad, verdict = self._check(m, platform, command, fetch_failed, hands_over)
        m.d.sync += exhausted.eq(self.program.limited & (self.index == self.program.limit))
        m.d.comb += [self.error.payload.index.eq(self.index), self.error.payload.code.eq(problem)]
        is_end = Signal()
        m.d.sync += is_end.eq(command[: OPCODE.bits] == Opcode.END)
        # The queues take the command from registers, in the cycle after, while it is still there.
        handed_over = delay(m, hands_over, 1, "handed_over", reset_less=False)
        room = self._queues(m, command, handed_over)
        m.d.sync += self.index.eq(self.index + handed_over)
        # The ready signal is a register that is high in state FILL. Inside, the state is looked at, so that
        # no logic is shared with the fetcher, which may be far away.
        m.d.sync += self.program.beats.ready.eq(0)
        with m.FSM() as fsm:
            with m.State("IDLE"), m.If(self.launch):
                m.d.sync += self.program.beats.ready.eq(1)
                m.next = "FILL"
            with m.State("FILL"):
                is_last = self.program.beats.valid & (beat == beats - 1)
                m.d.sync += self.program.beats.ready.eq(~(is_last | self.stop.valid | exhausted))
                with m.If(self.program.beats.valid):
                    m.d.sync += beat.eq(beat + 1)
                with m.If(self.stop.valid):
                    m.next = "HALT"
                with m.Elif(exhausted):
                    m.d.sync += problem.eq(
                        Mux(self.program.complete, ErrorCode.ILLEGAL_COMMAND, ErrorCode.BUS_FETCH)
                    )
                    m.next = "ERROR"
                with m.Elif(is_last):
                    m.next = "CHECK"
            with m.State("CHECK"):
                m.d.sync += check.eq(check + 1)
                with m.If(check == CHECK_CYCLES - 1):
                    m.d.sync += check.eq(0)
                    m.next = "DISPATCH"
            with m.State("DISPATCH"):
                with m.If(self.stop.valid):
                    m.next = "HALT"
                with m.Elif(bad):
                    m.d.sync += problem.eq(verdict)
                    m.next = "ERROR"
                with m.Elif(is_end):
                    m.d.sync += self.ended.eq(1)
                    m.next = "HALT"
                with m.Elif(room):
                    m.d.comb += hands_over.eq(1)
                    m.d.sync += self.program.beats.ready.eq(1)
                    m.next = "FILL"
            with m.State("ERROR"):
                m.d.comb += self.error.valid.eq(1)
                with m.If(self.error.ready):
                    m.next = "HALT"
            with m.State("HALT"):
                m.d.comb += self.program.halted.eq(1)
        m.d.comb += takes.eq(self.program.beats.valid & fsm.ongoing("FILL"))
        return m

    def _command(self, m: Module, takes: Signal, first: Any) -> tuple[Signal, Signal]:
        """Collect a command from its beats; returns it, and whether one of them was fetched with an error.

        What enables the command's register is one of its own, so it follows a cycle after the beats.
        """
        command = Signal(COMMAND_BITS, reset_less=True)
        failed = Signal(reset_less=True)
        taken = delay(m, takes, 1, "taken", reset_less=False)
        beat = delay(m, self.program.beats.payload, 1, "taken_beat")
        is_first = delay(m, first, 1, "takes_first")
        with m.If(taken):
            m.d.sync += [
                command.eq(Cat(command[self.config.bus_bits :], beat.data)),
                failed.eq(beat.error | (failed & ~is_first)),
            ]
        return command, failed

    def _check(self, m: Module, platform, command, fetch_failed, hands_over) -> tuple[Signal, Signal]:
        """Whether something is wrong with the command, and its error code then."""
        checker, ledger = CommandChecker(self.config), TokenLedger()
        m.submodules.checker = shared(platform, checker)
        m.submodules.ledger = shared(platform, ledger)
        bad = Signal()
        verdict = Signal(ERROR_CODE_BITS)
        m.d.comb += [
            checker.command.eq(command),
            ledger.head.eq(command),
            ledger.passed.eq(hands_over),
        ]
        otherwise = Mux(checker.illegal, ErrorCode.ILLEGAL_COMMAND, ErrorCode.TOKEN_MISUSE)
        m.d.sync += [
            bad.eq(fetch_failed | checker.illegal | ledger.misuse),
            verdict.eq(Mux(fetch_failed, ErrorCode.BUS_FETCH, otherwise)),
        ]
        return bad, verdict

    def _queues(self, m: Module, command: Signal, handed_over: Signal) -> Signal:
        """Give the command to its engine; returns whether there was room in the cycle before.

        Only the dispatcher takes room away, so that there still is.
        """
        room = Signal()
        mine = Signal(len(COMMAND_LAYOUTS))
        ready = Signal(len(COMMAND_LAYOUTS))
        code = command[: OPCODE.bits]
        for number, engine in enumerate(COMMAND_LAYOUTS):
            port = getattr(self, engine)
            full, sync = FULL_OPCODES[engine], SYNC_OPCODES[engine]
            self._payload(m, port.payload, command, full)
            m.d.sync += mine[number].eq((code == full) | (code == sync))
            m.d.comb += [
                port.payload.sync.eq(code == sync),
                port.valid.eq(handed_over & mine[number]),
                ready[number].eq(port.ready),
            ]
        m.d.sync += room.eq((mine & ready).any())
        return room

    def _payload(self, m: Module, payload: Any, command: Signal, opcode: Opcode) -> None:
        m.d.comb += payload.index.eq(self.index)
        offsets = word_offsets(FORMATS[opcode])
        for field in FORMATS[opcode]:
            if field is not OPCODE:
                offset = offsets[field.name]
                m.d.comb += payload[field.name].eq(command[offset : offset + field.bits])
        if "pixels" in payload.shape().members:
            # The command does not change while it is checked, which takes longer than this.
            pixels = registered_product(m, payload.rows, payload.width, name=f"{opcode.name.lower()}_pixels")
            m.d.comb += payload.pixels.eq(pixels)
