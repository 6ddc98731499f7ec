"""The least that a command takes on its engine: what the simulator holds against the watchdog."""

from crisp_golden.machine.chip import Chip
from crisp_golden.machine.core_model import window_counts
from crisp_golden.machine.transfers import memory_runs
from crisp_spec.commands import Command, Opcode


def least_cycles(chip: Chip, command: Command) -> int:
    """Cycles for which a legal command keeps its engine busy at least.

    A transfer takes one for every beat; a job the slots of its windows, without what comes before and
    behind them.

    Raises
    ------
    LookupError : a job never ends; see `crisp_golden.machine.core_model.window_lists`.
    """
    if command.opcode is Opcode.EXECUTE:
        slots = (command["pixel_tiles"] - 1) * command["slot_full"] + command["slot_last"]
        return int(window_counts(chip, command.fields).sum()) * slots
    if command.opcode in (Opcode.LOAD, Opcode.STORE):
        beat = chip.config.bus_bits // 8
        return sum(length for _, length in memory_runs(chip.config, command)) // beat
    return 0
