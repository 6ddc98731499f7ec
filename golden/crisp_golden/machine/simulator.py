"""Executes programs on the same memory image as the hardware, command by command in program order.

Tokens never let the engines overtake each other where it matters, so program order gives the results of any
legal schedule. How long a program takes is not this module's business; see ``timeline``.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from crisp_golden.machine.chip import Chip
from crisp_golden.machine.core_model import CoreModel
from crisp_golden.machine.least_cycles import least_cycles
from crisp_golden.machine.transfers import is_tensor, memory_runs, misalignment, smem_addresses
from crisp_spec.commands import COMMAND_BYTES, TOKEN_LIMIT, Command, Memory, Opcode, decode_command
from crisp_spec.config import CoreConfig
from crisp_spec.error_codes import ErrorCode, ProgramError
from crisp_spec.legality import violation

Observer = Callable[[int, Command, Chip], None]


@dataclass
class Segment:
    """A part of external memory that commands may name.

    Attributes
    ----------
    data : uint8[bytes]; stores change it in place.
    """

    data: np.ndarray
    readable: bool = True
    writable: bool = False


@dataclass
class Tokens:
    """Tokens between the engines, counted in program order."""

    counts: dict[tuple[str, str], int] = field(default_factory=dict)

    def pass_command(self, command: Command) -> str | None:
        """Take and put down a command's tokens; return what is wrong, or None.

        A command that waits for a token and finds none changes nothing.
        """
        counts = dict(self.counts)
        for name, value in command.fields.items():
            kind, _, other = name.partition("_")
            if kind == "wait" and value:
                pair = other, command.engine
                if not counts.get(pair):
                    return f"waits for a token of the {other} engine, but there is none"
                counts[pair] -= 1
        for name, value in command.fields.items():
            kind, _, other = name.partition("_")
            if kind == "signal" and value:
                pair = command.engine, other
                counts[pair] = counts.get(pair, 0) + 1
                if counts[pair] > TOKEN_LIMIT:
                    return f"puts down more than {TOKEN_LIMIT} tokens for the {other} engine"
        self.counts = counts
        return None


class ProgramSimulator:
    """One accelerator with its external memory.

    Parameters
    ----------
    segments : the segments, up to four; segment 0 holds the program.
    chip : memories on the chip; zero by default.
    """

    def __init__(self, config: CoreConfig, segments: list[Segment], chip: Chip | None = None):
        self.config = config
        self.segments = segments
        self.chip = chip or Chip(config)

    def run(self, offset: int, commands: int, observer: Observer | None = None, *, watchdog: int = 0) -> None:
        """Run the program of ``commands`` commands that starts ``offset`` bytes into segment 0.

        Parameters
        ----------
        observer : called with index, command and chip behind every command.
        watchdog : cycles; a command is not executed if its engine has surely worked for longer by its end.
            The hardware may give up on shorter programs too. 0 for no limit.

        Raises
        ------
        ProgramError : the program stops with an error; all commands before have been executed, and of a
            transfer with a wrong address the planes before the first one that is wrong.
        """
        tokens, busy = Tokens(), Counter[str]()
        for index in range(commands):
            command = self._fetch(index, offset + index * COMMAND_BYTES)
            problem = tokens.pass_command(command)
            if problem:
                raise ProgramError(ErrorCode.TOKEN_MISUSE, index, problem)
            if command.opcode is Opcode.END:
                return
            views, problem = self._views(command)
            if problem:  # of a tensor's plane, as the hardware looks at one after the other
                command = Command(command.opcode, {**command.fields, "planes": len(views)})
            if views or not problem:
                busy[command.engine] += self._least_cycles(index, command)
                if watchdog and busy[command.engine] > watchdog:
                    raise ProgramError(ErrorCode.WATCHDOG, index, f"takes longer than {watchdog} cycles")
                self._execute(command, views)
            if problem:
                raise ProgramError(ErrorCode.ADDRESS, index, problem)
            if observer:
                observer(index, command, self.chip)
        raise ProgramError(ErrorCode.ILLEGAL_COMMAND, commands, "the program has no END")

    def _fetch(self, index: int, offset: int) -> Command:
        if offset % COMMAND_BYTES:
            problem = f"the program begins at byte {offset}, no multiple of {COMMAND_BYTES}"
            raise ProgramError(ErrorCode.BUS_FETCH, index, problem)
        data = self.segments[0].data[offset : offset + COMMAND_BYTES]
        if len(data) < COMMAND_BYTES:
            raise ProgramError(ErrorCode.BUS_FETCH, index, "the program leaves its segment")
        command = decode_command(data.tobytes())
        if command is None:
            raise ProgramError(
                ErrorCode.ILLEGAL_COMMAND, index, "unknown opcode, or a bit outside the fields"
            )
        problem = violation(self.config, command)
        if problem:
            raise ProgramError(ErrorCode.ILLEGAL_COMMAND, index, problem)
        return command

    def _least_cycles(self, index: int, command: Command) -> int:
        try:
            return least_cycles(self.chip, command)
        except LookupError as error:
            raise ProgramError(ErrorCode.WATCHDOG, index, str(error)) from error

    def _execute(self, command: Command, views: list[np.ndarray]) -> None:
        if command.opcode is Opcode.EXECUTE:
            CoreModel(self.chip, command.fields).run()
        elif command.opcode is Opcode.LOAD:
            self._load(command, views)
        elif command.opcode is Opcode.STORE:
            self._store(command, views)

    def _views(self, command: Command) -> tuple[list[np.ndarray], str | None]:
        """Views of external memory that a command touches, up to the first wrong one, and why it is wrong."""
        if command.opcode not in (Opcode.LOAD, Opcode.STORE):
            return [], None
        write = command.opcode is Opcode.STORE
        if problem := misalignment(self.config, command):
            return [], problem
        number = command["segment"]
        segment = self.segments[number] if number < len(self.segments) else None
        if segment is None or not (segment.writable if write else segment.readable):
            return [], f"segment {number} may not be {'written' if write else 'read'}"
        views = []
        for offset, length in memory_runs(self.config, command):
            end = offset + length
            if end > len(segment.data):
                return views, f"bytes {offset} to {end} leave segment {number} of {len(segment.data)} bytes"
            views.append(segment.data[offset:end])
        return views, None

    def _load(self, command: Command, runs: list[np.ndarray]) -> None:
        if not is_tensor(command):
            self.chip.fill(Memory(command["memory"]), command["address"], runs[0])
            return
        addresses = smem_addresses(self.config, command)
        for plane, run in zip(addresses, runs, strict=True):
            self.chip.smem[plane.ravel()] = run.view(np.int8).reshape(-1, self.config.word_channels)

    def _store(self, command: Command, runs: list[np.ndarray]) -> None:
        addresses = smem_addresses(self.config, command)
        for plane, run in zip(addresses, runs, strict=True):
            run.view(np.int8)[:] = self.chip.smem[plane.ravel()].ravel()
