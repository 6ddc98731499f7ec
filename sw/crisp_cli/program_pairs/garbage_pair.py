"""Programs that make no sense: the RTL ends where golden says, and nothing but its segments has changed."""

from random import Random

import numpy as np

from crisp_cli.program_pairs.command_host import READ, WRITE, CommandHost, Outcome, Segment
from crisp_golden.machine.chip import Chip
from crisp_golden.stimuli.random_commands import KINDS, random_words
from crisp_sim.accelerator.rtl_bus import RtlBus
from crisp_spec.commands import Command, Memory, Opcode
from crisp_spec.config import CoreConfig
from crisp_spec.error_codes import ErrorCode
from crisp_sw.driver.simulated_bus import SimulatedBus

GUARD = 1 << 12
PROGRAM = SIZE = 1 << 14
PROGRAM_BYTES = 1 << 12
WATCHDOG = 40_000
TABLES = (Memory.BLOCK_INDEX, Memory.TAP)
"""Memories whose contents decide how long a job takes."""


class GarbagePair:
    """Golden and the RTL side by side, for programs of `crisp_golden.stimuli.random_commands`.

    Segments 0 and 1 may be read and segment 2 written; segment 3 permits nothing. Both machines fill the
    tables on their chips before every program, so that jobs take the same course.

    What is in segment 2 in the end cannot be compared. Nothing orders these commands: the engines race for
    the memories on the chip and off it, and may have come to any point behind the command that fails, while
    golden goes by the order of the program. For programs that tokens order, see `CommandPair`.
    """

    def __init__(self, config: CoreConfig, golden: SimulatedBus, rtl: RtlBus):
        self.config = config
        self.tables = {memory: Chip(config).memories[memory] for memory in TABLES}
        sizes = [PROGRAM + PROGRAM_BYTES, max(SIZE, sum(map(len, self.tables.values()))), SIZE, SIZE]
        segments, offset = [], GUARD
        for size, permissions in zip(sizes, (READ, READ, WRITE, 0), strict=True):
            segments.append(Segment(offset, -(-size // GUARD) * GUARD, permissions))
            offset += segments[-1].size + GUARD
        self.written = slice(segments[2].offset, segments[2].offset + segments[2].size)
        self.data = segments[1].offset
        self.hosts = [CommandHost(bus, offset, segments) for bus in (golden, rtl)]
        self.size = offset

    def close(self) -> None:
        """Give the memories back."""
        for host in self.hosts:
            host.close()

    def check(self, seed: str) -> Outcome:
        """Run the program of ``seed`` on both; return how the RTL ended.

        Raises
        ------
        AssertionError : it did not end as golden did or by the watchdog, or a byte outside segment 2 changed.
        """
        rng = Random(seed)
        memory = np.frombuffer(rng.randbytes(self.size), np.uint8).copy()
        words = random_words(rng, self.config, rng.choice(KINDS))
        outcomes = [self._run(host, memory, words) for host in self.hosts]
        golden, rtl = outcomes
        if golden.code is ErrorCode.WATCHDOG:
            # What comes later in the program may be found first, while the array is still at work.
            assert rtl.code is not ErrorCode.NONE, (golden, rtl)
        elif rtl.code is not ErrorCode.WATCHDOG:
            assert golden == rtl, (golden, rtl)
        return rtl

    def _run(self, host: CommandHost, memory: np.ndarray, words: list[bytes]) -> Outcome:
        filled, _ = host.run(memory, self._fill())
        assert filled == Outcome(ErrorCode.NONE, 0), filled
        outcome, after = host.run(memory, words, place=PROGRAM, watchdog=WATCHDOG)
        expected = memory.copy()
        first = host.segments[0].offset + PROGRAM
        expected[first : first + 64 * len(words)] = np.frombuffer(b"".join(words), np.uint8)
        expected[self.written] = after[self.written]
        wrong = np.flatnonzero(expected != after)
        assert not len(wrong), f"{len(wrong)} bytes outside segment 2 changed, the first at {wrong[0]:#x}"
        return outcome

    def _fill(self) -> list[bytes]:
        """A program that loads the tables from segment 1."""
        commands, offset = [], 0
        for memory, table in self.tables.items():
            beats = len(table) * 8 // self.config.bus_bits
            values = {"segment": 1, "memory": int(memory), "offset": offset, "beats": beats}
            commands.append(Command(Opcode.LOAD, values))
            offset += len(table)
        return [command.encode() for command in (*commands, Command(Opcode.END, {}))]
