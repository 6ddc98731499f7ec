"""Command programs that no compiler made, one job each: the same end and the same memory on both."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import numpy as np

from crisp_cli.program_pairs.command_host import READ, WRITE, CommandHost, Outcome, Segment
from crisp_golden.machine.transfers import memory_runs
from crisp_golden.stimuli.aftermath import Aftermath
from crisp_golden.stimuli.random_programs import ProgramMemory, random_program
from crisp_golden.stimuli.wrong_programs import BUS_ERRORS, random_fault, spoil
from crisp_sim.accelerator.rtl_bus import RtlBus
from crisp_spec.commands import COMMAND_BYTES, Command, Opcode
from crisp_spec.config import CoreConfig
from crisp_spec.error_codes import ErrorCode
from crisp_sw.driver.accelerator import Accelerator
from crisp_sw.driver.simulated_bus import SimulatedBus

GUARD = PAGE = 1 << 12

BEYOND = 0x2345
"""Bytes that segments at the end of the address space are too large by."""


class CommandPair:
    """Golden and the RTL side by side, for programs of `crisp_golden.stimuli.random_programs`.

    Segment 0 is everything between two guards and may be read; segment 1 is its first part and may be
    written.
    With ``top`` the memory is the end of the address space, without a guard behind it. There segment 0 has a
    size that reaches ``BEYOND`` it, and so has segment 2: the last page, which may be written.
    All checks raise AssertionError if the RTL does not end as golden says, or leaves another memory.
    """

    def __init__(self, config: CoreConfig, golden: SimulatedBus, rtl: RtlBus, *, top: bool = False):
        self.config, self.rtl, self.place = config, rtl, ProgramMemory(config)
        self.upper_guard, excess = (0, BEYOND) if top else (GUARD, 0)
        size = self.place.size
        segments = [Segment(GUARD, size + excess, READ), Segment(GUARD, self.place.space, WRITE)]
        if top:
            segments.append(Segment(GUARD + size - PAGE, PAGE + excess, WRITE))
        block = GUARD + size + self.upper_guard
        self.hosts = [CommandHost(bus, block, segments, top=top) for bus in (golden, rtl)]

    def close(self) -> None:
        """Give the memories back."""
        for host in self.hosts:
            host.close()

    def check(self, seed: str) -> Outcome:
        """Run the legal program of ``seed`` on both."""
        memory, program = self._program(Random(seed))
        outcome = self._check(memory, program)
        assert outcome == Outcome(ErrorCode.NONE, 0), outcome
        return outcome

    def check_spoiled(self, seed: str) -> Outcome:
        """Run the program of ``seed`` with a wrong command in it on both."""
        rng = Random(seed)
        memory, program = self._program(rng)
        return self._check(memory, spoil(rng, program))

    def check_cut(self, seed: str) -> Outcome:
        """Run the program of ``seed`` on both, with a segment that ends beside a command or plane."""
        rng = Random(seed)
        memory, program = self._program(rng)
        commands = [self.place.program + COMMAND_BYTES * (index + 1) for index in range(len(program))]
        stores = [command for command in program if command.opcode is Opcode.STORE]
        planes = [sum(run) for command in stores for run in memory_runs(self.config, command)]
        number, ends = rng.choice([(0, commands), (1, planes)])
        step = self.config.bus_bits // 8
        size = max(0, rng.choice([0, max(ends), *ends]) + rng.choice([-step, -1, 0, 1, step]))
        whole = self.hosts[0].segments
        cut = [replace(segment, size=size) if segment is whole[number] else segment for segment in whole]
        try:
            for host in self.hosts:
                host.segments = cut
            return self._check(memory, program)
        finally:
            for host in self.hosts:
                host.segments = whole

    def check_beyond(self, seed: str) -> Outcome:
        """Run the program of ``seed``, at the top, with a transfer that goes on beyond the address space."""
        rng = Random(seed)
        memory, program = self._program(rng)
        transfers = [
            index for index, command in enumerate(program) if command.opcode in (Opcode.LOAD, Opcode.STORE)
        ]
        index = rng.choice(transfers)
        program[index] = self._beyond(rng, program[index])
        outcome = self._check(memory, program)
        assert outcome == Outcome(ErrorCode.ADDRESS, index), outcome
        return outcome

    def _beyond(self, rng: Random, command: Command) -> Command:
        """A transfer, moved so that one of its planes ends behind the end of the address space."""
        segment, end = (0, self.place.size) if command.opcode is Opcode.LOAD else (2, PAGE)
        (_, length), *others = memory_runs(self.config, command)
        step = self.config.bus_bits // 8
        stride = length + step * rng.randrange(4)
        inside = rng.randint(0, max(0, min(len(others), (end - length + step) // stride)))
        slack = rng.randrange(stride // step if inside else 8)
        offset = max(0, end - length + step - inside * stride) + step * slack
        moved = {"segment": segment, "offset": offset, "plane_stride": stride if others else 0}
        return Command(command.opcode, {**command.fields, **moved})

    def check_fault(self, seed: str) -> Outcome:
        """Run the program of ``seed`` on the RTL, with one beat that the bus answers with an error."""
        rng = Random(seed)
        memory, program = self._program(rng)
        fault = random_fault(self.config, rng, program, rng.choice(BUS_ERRORS), self.place.program)
        base = self.hosts[1].address + GUARD
        self.rtl.simulation.set_faults(
            *([range(base + beat.start, base + beat.stop) for beat in beats] for beats in fault.beats),
            response=fault.response,
        )
        found, after = self._run(self.hosts[1], memory, program)
        self.rtl.simulation.set_faults()
        assert found == Outcome(fault.code, fault.index), (fault, found)
        self._check_memory(memory, program, after, found)
        return found

    def check_reset(self, seed: str, cycles: int) -> None:
        """Start the program of ``seed`` on the RTL and reset the accelerator ``cycles`` cycles later."""
        memory, program = self._program(Random(seed))
        host = self.hosts[1]
        host.start(memory, _words(program), place=self.place.program)
        self.rtl.simulation.run(cycles)
        Accelerator(self.rtl).reset()
        assert self.rtl.simulation.quiet, "a burst is open after the reset"
        after = self.rtl.read_memory(host.address, host.size)
        self._check_memory(memory, program, after, Outcome(ErrorCode.WATCHDOG, 0))

    def _program(self, rng: Random) -> tuple[np.ndarray, list[Command]]:
        """Memory, and the commands to put into it."""
        data = bytearray(rng.randbytes(self.place.size))
        program = random_program(self.config, rng, data, self.place)
        guard = rng.randbytes(GUARD)
        return np.frombuffer(guard + bytes(data) + guard[: self.upper_guard], np.uint8), program

    def _check(self, memory: np.ndarray, program: Sequence[Command | bytes]) -> Outcome:
        (expected, golden), (found, after) = (self._run(host, memory, program) for host in self.hosts)
        assert expected == found, (expected, found)
        if found.code is ErrorCode.ADDRESS and is_load(program[found.index]):
            # Stores behind it may be done, if they wait for nobody.
            self._check_memory(memory, program, after, found)
        else:
            wrong = np.flatnonzero(golden != after)
            assert not len(wrong), f"{len(wrong)} bytes differ, the first at {wrong[0] - GUARD:#x}"
        return found

    def _run(
        self, host: CommandHost, memory: np.ndarray, program: Sequence[Command | bytes]
    ) -> tuple[Outcome, np.ndarray]:
        return host.run(memory, _words(program), place=self.place.program)

    def _check_memory(
        self, memory: np.ndarray, program: Sequence[Command | bytes], after: np.ndarray, outcome: Outcome
    ) -> None:
        """Demand that nothing but segment 1 has changed, and that what is in there is golden's."""
        (low, before, high), (found_low, found, found_high) = (
            np.split(block, [GUARD, GUARD + self.place.size]) for block in (memory, after)
        )
        assert np.array_equal(low, found_low), "the guard below the segments has changed"
        assert np.array_equal(high, found_high), "the guard above the segments has changed"
        before = before.copy()
        code = np.frombuffer(b"".join(_words(program)), np.uint8)
        before[self.place.program : self.place.program + len(code)] = code
        Aftermath(self.config, self.place, before, program).check(found, outcome.code, outcome.index)


def is_load(item: Command | bytes) -> bool:
    """Whether an item of a program is a load."""
    return isinstance(item, Command) and item.opcode is Opcode.LOAD


def _words(program: Sequence[Command | bytes]) -> list[bytes]:
    return [item if isinstance(item, bytes) else item.encode() for item in program]
