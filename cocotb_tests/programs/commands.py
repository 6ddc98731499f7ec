"""Legal command programs that no compiler made, one job each: the same end and the same memory on both."""

from random import Random

import numpy as np

from cocotb_tests.programs.host import READ, WRITE, CommandHost, Outcome, Window
from cocotb_tests.protocol.random_programs import random_program
from crisp_golden.config import CoreConfig
from crisp_golden.program.chip import Chip
from crisp_golden.program.commands import COMMAND_BYTES
from crisp_golden.program.errors import ErrorCode
from crisp_sw.driver.bus import Bus

GUARD = 1 << 12
PROGRAM_BYTES = 1 << 14


class CommandPair:
    """Golden and the RTL side by side, for programs of `cocotb_tests.protocol.random_programs`.

    Window 0 is everything between two guards and may be read; window 1 is its first part and may be written.
    """

    def __init__(self, config: CoreConfig, golden: Bus, rtl: Bus):
        self.config = config
        tables = sum(len(memory) + COMMAND_BYTES for memory in Chip(config).memories.values())
        self.space = max(1 << 16, 2 * config.smem_bytes)
        self.tables = self.space + GUARD
        end = self.tables + -(-tables // GUARD) * GUARD
        self.program, self.size = end, end + PROGRAM_BYTES
        windows = Window(GUARD, self.size, READ), Window(GUARD, self.space, WRITE)
        self.hosts = [CommandHost(bus, self.size + 2 * GUARD, windows) for bus in (golden, rtl)]

    def close(self) -> None:
        """Give the memories back."""
        for host in self.hosts:
            host.close()

    def check(self, seed: str) -> Outcome:
        """Run the program of ``seed`` on both.

        Raises
        ------
        AssertionError : they differ, or golden does not reach the end.
        """
        memory, program = self._program(seed)
        (expected, golden), (found, rtl) = (
            host.run(memory, program, place=self.program) for host in self.hosts
        )
        assert expected == found == Outcome(ErrorCode.NONE, 0), (expected, found)
        wrong = np.flatnonzero(golden != rtl)
        assert not len(wrong), f"{len(wrong)} bytes differ, the first at {wrong[0] - GUARD:#x}"
        return found

    def start(self, seed: str) -> None:
        """Start the program of ``seed`` on the RTL alone."""
        memory, program = self._program(seed)
        self.hosts[1].start(memory, program, place=self.program)

    def _program(self, seed: str) -> tuple[np.ndarray, list[bytes]]:
        """Memory, and the commands to put into it."""
        rng = Random(seed)
        data = bytearray(rng.randbytes(self.size))
        commands = random_program(self.config, rng, data, tables=self.tables, space=self.space)
        program = [command.encode() for command in commands]
        assert len(program) * COMMAND_BYTES <= PROGRAM_BYTES
        guard = rng.randbytes(GUARD)
        return np.frombuffer(guard + bytes(data) + guard, np.uint8), program
