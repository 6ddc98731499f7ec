"""The watchdog of the simulator: it ends what the hardware surely takes longer for, and nothing else."""

import numpy as np
import pytest

from crisp_golden.machine.chip import Chip
from crisp_golden.machine.least_cycles import least_cycles
from crisp_golden.machine.simulator import ProgramSimulator, Segment
from crisp_spec.commands import Command, Memory, Opcode
from crisp_spec.config import preset
from crisp_spec.error_codes import ErrorCode, ProgramError

TINY = preset("tiny")
LOAD = Command(Opcode.LOAD, {"planes": 3, "rows": 2, "width": 5, "pitch": 5, "ring": 8})
END = Command(Opcode.END, {})


def test_a_transfer_takes_a_cycle_for_every_beat():
    beats = 3 * 2 * 5 * TINY.word_bits // TINY.bus_bits
    assert least_cycles(Chip(TINY), LOAD) == beats
    table = Command(Opcode.LOAD, {"memory": int(Memory.TAP), "beats": 9})
    assert least_cycles(Chip(TINY), table) == 9


def test_a_job_takes_the_slots_of_its_windows():
    chip = Chip(TINY)
    chip.memories[Memory.BLOCK_INDEX].view("<u2")[:] = 1 << 15  # every list has one entry
    values = {"row_tiles": 2, "pixel_tiles": 3, "slot_full": 10, "slot_last": 4, "index_base": 0}
    assert least_cycles(chip, Command(Opcode.EXECUTE, values)) == 2 * (2 * 10 + 4)
    chip.memories[Memory.BLOCK_INDEX][:] = 0
    with pytest.raises(LookupError):
        least_cycles(chip, Command(Opcode.EXECUTE, values))


@pytest.mark.parametrize("loads", [1, 2, 3])
def test_the_watchdog_adds_up_the_commands_of_an_engine(loads):
    program = [LOAD] * loads + [END]
    data = np.zeros(1 << 12, np.uint8)
    code = b"".join(command.encode() for command in program)
    data[: len(code)] = np.frombuffer(code, np.uint8)
    simulator = ProgramSimulator(TINY, [Segment(data)])
    beats = least_cycles(simulator.chip, LOAD)
    simulator.run(0, len(program), watchdog=loads * beats)
    with pytest.raises(ProgramError, match=f"takes longer than {loads * beats - 1} cycles") as caught:
        simulator.run(0, len(program), watchdog=loads * beats - 1)
    assert (caught.value.code, caught.value.index) == (ErrorCode.WATCHDOG, loads - 1)
