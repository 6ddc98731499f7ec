"""What a token-ordered program may leave in external memory, however it ends, by golden."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from crisp_golden.machine.simulator import ProgramSimulator, Tokens
from crisp_golden.stimuli.random_programs import ProgramMemory
from crisp_spec.commands import Command, Opcode
from crisp_spec.config import CoreConfig
from crisp_spec.error_codes import ErrorCode

END = Command(Opcode.END, {})
EXACT = ErrorCode.ILLEGAL_COMMAND, ErrorCode.TOKEN_MISUSE, ErrorCode.BUS_FETCH
"""The dispatcher finds them, so that nothing behind the offending command has begun."""


def surviving(program: Sequence[Command], index: int) -> list[Command]:
    """The commands that may be executed though ``index`` fails: its engine halts, and who waits for it."""
    tokens, halted, result = Tokens(), set(), []
    for number, command in enumerate(program):
        if number == index or command.engine in halted or tokens.pass_command(command):
            halted.add(command.engine)
        else:
            result.append(command)
    return result


class Aftermath:
    """The images that memory may hold after a program.

    Tokens fix what every store writes, and stores do not overtake each other; so there is one image for each
    number of stores that were executed, and bytes of two of them while a store is unfinished. Of a store with
    a wrong address already the first plane must be wrong.

    Parameters
    ----------
    memory : uint8[size] as the program finds it, with the commands in their place.
    """

    def __init__(self, config: CoreConfig, place: ProgramMemory, memory: np.ndarray, program: Sequence):
        self.config, self.place, self.memory, self.program = config, place, memory.copy(), program

    def check(self, found: np.ndarray, code: ErrorCode, index: int = 0) -> None:
        """Demand that the memory ``found`` is one that the program may leave.

        Parameters
        ----------
        code : how it ended; WATCHDOG stands for all that may end it anywhere, as a reset does.
        index : of the command with the error.
        """
        wrong = [np.flatnonzero((found != a) & (found != b)) for a, b in self._images(code, index)]
        least = min(wrong, key=len)
        assert not len(least), f"{len(least)} bytes differ, the first at {least[0]:#x}, after {code.name}"

    def _images(self, code: ErrorCode, index: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Pairs of images; every byte must be in one of both."""
        before = self.program[:index]
        if code is ErrorCode.WATCHDOG:
            images = self._stored(self.program)
            return list(pairwise([images[0], *images]))
        if code is ErrorCode.BUS_WRITE:
            first, last = self._stored(self.program[: index + 1])[-2:]
            return [(first, last)]
        if code is ErrorCode.NONE or code in EXACT:
            image = self._stored(self.program if code is ErrorCode.NONE else before)[-1]
            return [(image, image)]
        # An engine has found it. Commands behind it may have run on the others, if they wait for nobody.
        done = sum(command.opcode is Opcode.STORE for command in before)
        return [(image, image) for image in self._stored(surviving(self.program, index))[done:]]

    def _stored(self, program: Sequence) -> list[np.ndarray]:
        """The memory at the beginning and after every store of a program without errors."""
        data, images = self.memory.copy(), [self.memory]
        commands = [command for command in program if command != END]
        code = np.frombuffer(b"".join(command.encode() for command in (*commands, END)), np.uint8)
        code_place = slice(self.place.program, self.place.program + len(code))
        data[code_place] = code

        def look(_index: int, command: Command, _chip: object) -> None:
            if command.opcode is Opcode.STORE:
                images.append(data.copy())
                images[-1][code_place] = self.memory[code_place]

        ProgramSimulator(self.config, self.place.segments(data)).run(
            self.place.program, len(commands) + 1, look
        )
        return images
