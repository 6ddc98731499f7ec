"""Programs are set up by registers, and judged by state and counters that must add up."""

import asyncio

import pytest

from crisp_sim.accelerator.program_host import ProgramHost, program_bytes
from crisp_spec.commands import COMMAND_BYTES, Command, Opcode
from crisp_spec.cycle_causes import PROGRAM_CAUSES
from crisp_spec.registers import COUNTERS

BASE = 0x12_3456_7000


class Registers(ProgramHost):
    """Registers that hold what is written to them."""

    def __init__(self, **values: int):
        self.values = dict(values)

    async def write(self, name: str, value: int) -> None:
        self.values[name] = value

    async def read(self, name: str) -> int:
        return self.values[name]


def test_segments_may_be_read_or_written():
    registers = Registers()
    asyncio.run(registers.set_segments(BASE, readable=8192, writable=4096))
    found = {name: value for name, value in registers.values.items() if name.startswith("segment_1")}
    assert list(found.values()) == [0x3456_7000, 0x12, 4096, 2]
    assert registers.values["segment_0_size"] == 8192
    assert registers.values["segment_0_permissions"] == 1


def test_the_length_of_a_program_is_in_commands():
    code = program_bytes([Command(Opcode.END, {}), bytes(COMMAND_BYTES)])
    registers = Registers()
    asyncio.run(registers.set_program(64, len(code)))
    assert registers.values == {"program_offset": 64, "program_length": 2}


def test_the_state_names_the_command_of_an_error():
    registers = Registers(status=0x0704, error_index=9)
    expected = {"busy": 0, "done": 0, "resetting": 1, "error": 7, "index": 9}
    assert asyncio.run(registers.status()) == expected


def test_counters_that_do_not_add_up_are_noticed():
    values = {f"count_{name}": 0 for name, _ in COUNTERS}
    values |= {f"count_{cause}": 3 for cause in PROGRAM_CAUSES}
    total = 3 * len(PROGRAM_CAUSES)
    counters = asyncio.run(Registers(**values | {"count_total": total}).counters())
    assert counters["total"] == total
    with pytest.raises(AssertionError):
        asyncio.run(Registers(**values | {"count_total": total + 1}).counters())
