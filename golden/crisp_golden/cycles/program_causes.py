"""What the execute engine does in every cycle of a program, command by command, as the cycle model has it.

The cycles of a program are divided among the commands of the execute engine: each gets those from the end of
the one before to its own end, so that the commands add up to the program but for its tail, in which the last
results are stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crisp_golden.cycles.core_cycles import job_cycles
from crisp_golden.cycles.timeline import Timeline
from crisp_golden.machine.chip import Chip
from crisp_golden.machine.core_model import window_counts
from crisp_golden.machine.transfers import memory_runs
from crisp_spec.commands import Command, Memory, Opcode
from crisp_spec.config import CoreConfig
from crisp_spec.cycle_causes import CORE_CAUSES

CAUSES = (*CORE_CAUSES, "wait", "idle")
"""Those of the core, waiting for tokens of the other engines, and having no command."""


@dataclass(frozen=True)
class CommandCycles:
    """Cycles of one command of the execute engine.

    Attributes
    ----------
    number : of the command in its program.
    causes : cycles by the names of ``CAUSES``.
    """

    number: int
    causes: dict[str, int]

    @property
    def total(self) -> int:
        """From the end of the engine's command before to the end of this one."""
        return sum(self.causes.values())


def execute_cycles(
    config: CoreConfig, commands: Sequence[Command], contents: bytes, timeline: Timeline
) -> list[CommandCycles]:
    """Divide the cycles of a program among the commands of its execute engine, in order.

    Parameters
    ----------
    commands, contents : as those that ``timeline`` was made from.
    """
    chip, data = Chip(config), np.frombuffer(contents, np.uint8)
    result, before = [], -1
    for number, command in enumerate(commands):
        if command.opcode is Opcode.LOAD and command["memory"] == Memory.BLOCK_INDEX:
            # The lists of kept windows say how long a job takes.
            offset, length = memory_runs(config, command)[0]
            chip.fill(Memory.BLOCK_INDEX, command["address"], data[offset : offset + length])
        if command.engine != "execute":
            continue
        times = timeline.times[number]
        whole = times.end - before
        core = _core_cycles(config, chip, command, times.hidden)
        waited = max(0, times.start - max(times.head, before))
        idle = whole - waited - sum(core.values())
        result.append(CommandCycles(number, {**core, "wait": waited, "idle": idle}))
        before = times.end
    return result


def _core_cycles(config: CoreConfig, chip: Chip, command: Command, hidden: int) -> dict[str, int]:
    """The core's cycles by cause, without those of the prologue that the job before has hidden."""
    if command.opcode is not Opcode.EXECUTE:
        return dict.fromkeys(CORE_CAUSES, 0)
    counts = vars(job_cycles(config, command.fields, window_counts(chip, command.fields)))
    return {**counts, "prologue": counts["prologue"] - hidden}
