"""cocotb bench: the whole accelerator on its buses; memory, errors and counters against golden."""

from random import Random

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, FallingEdge

from cocotb_tests.protocol.accelerator import (
    PROGRAM,
    SOFT_RESET,
    WRITABLE,
    Accelerator,
    golden_outcome,
)
from cocotb_tests.protocol.random_programs import random_program
from cocotb_tests.tb.clocking import pulse_reset
from cocotb_tests.tb.parameters import bench_parameters, record_measurements
from crisp_golden.config import CoreConfig
from crisp_golden.program.commands import Command, Opcode
from crisp_golden.program.errors import ErrorCode
from crisp_golden.program.registers import MAGIC
from crisp_golden.program.transfers import memory_runs

SPACE = WRITABLE - (1 << 14)
TABLES = WRITABLE
SHORTEST_RESET = 3
TRAFFIC = ((1.0, 0.0), (0.5, 0.0), (1.0, 0.02), (0.7, 0.01))
"""Chances that a channel moves in a cycle, and that a beat waits for up to 200 cycles."""


async def accelerator(dut, test: int, *, chance: float = 1.0, stall: float = 0.0) -> tuple[Accelerator, int]:
    """The accelerator after a reset, and how many programs to run."""
    parameters = bench_parameters()
    rng = Random(f"{parameters['seed']} {test}")
    device = Accelerator(dut, CoreConfig(**parameters["config"]), rng, chance=chance, stall=stall)
    await device.reset()
    return device, parameters["programs"]


def make_program(device: Accelerator) -> list[Command]:
    return random_program(device.config, device.rng, device.memory.data, tables=TABLES, space=SPACE)


async def run_against_golden(device: Accelerator, program: list) -> tuple[ErrorCode, int]:
    """Run a program on both; demand the same end and, if there was no error, the same memory."""
    await device.start(program)
    simulator, data = device.simulator()
    expected = golden_outcome(simulator, len(program))
    assert await device.wait() == expected
    if expected[0] is ErrorCode.NONE:
        wrong = np.flatnonzero(np.frombuffer(device.memory.data, np.uint8) != data)
        assert not len(wrong), f"{len(wrong)} bytes differ, the first at {wrong[0]:#x}"
    return expected


@cocotb.test()
async def random_programs_match_golden(dut):
    device, programs = await accelerator(dut, 1)
    cycles = 0
    for chance, stall in TRAFFIC:
        device.set_traffic(chance, stall)
        for _ in range(programs):
            code, _ = await run_against_golden(device, make_program(device))
            assert code is ErrorCode.NONE
            cycles += (await device.counters())["total"]
    record_measurements({"cycles": cycles})


FIELDS = {Opcode.LOAD: "width", Opcode.STORE: "width", Opcode.EXECUTE: "n"}
"""Fields that must not be 0."""


def spoil(rng: Random, program: list[Command]) -> list:
    """Make one command wrong: a bit outside its fields, a field, a token, or an address."""
    number = rng.randrange(len(program))
    command = program[number]
    kind = rng.choice(["bit", "field", "token", "address"])
    if kind == "bit" or command.opcode not in FIELDS:
        data = bytearray(command.encode())
        data[63] |= 0x80
        changed = bytes(data)
    elif kind == "token":
        partner = "load" if command.engine == "execute" else "execute"
        surplus = Command(command.opcode, {**command.values, f"wait_{partner}": 1})
        changed = surplus
    elif kind == "field":
        changed = Command(command.opcode, {**command.values, FIELDS[command.opcode]: 0})
    else:
        wrong = command.opcode in (Opcode.LOAD, Opcode.STORE)
        changed = Command(command.opcode, {**command.values, "window": 3}) if wrong else bytes(64)
    return [*program[:number], changed, *program[number + 1 :]]


@cocotb.test()
async def wrong_programs_stop_where_golden_says(dut):
    device, programs = await accelerator(dut, 2, chance=0.8)
    seen = []
    for _ in range(2 * programs):
        code, _ = await run_against_golden(device, spoil(device.rng, make_program(device)))
        seen.append(code)
        code, _ = await run_against_golden(device, make_program(device))
        assert code is ErrorCode.NONE
    record_measurements({"errors": len([code for code in seen if code])})


@cocotb.test()
async def every_kind_of_transaction_may_fail(dut):
    device, _ = await accelerator(dut, 3, chance=0.8)
    for code in (ErrorCode.BUS_READ, ErrorCode.BUS_WRITE, ErrorCode.BUS_FETCH):
        for _ in range(3):
            program = make_program(device)
            index = fail_one(device, program, code)
            await device.start(program)
            assert await device.wait() == (code, index)
            device.memory.failing_reads, device.memory.failing_writes = [], []
            code_after, _ = await run_against_golden(device, make_program(device))
            assert code_after is ErrorCode.NONE


def fail_one(device: Accelerator, program: list[Command], code: ErrorCode) -> int:
    """Let the bus answer an access of some command with errors; return the first one that meets them."""
    opcode = Opcode.STORE if code is ErrorCode.BUS_WRITE else Opcode.LOAD
    if code is ErrorCode.BUS_FETCH:
        index = device.rng.randrange(len(program))
        device.memory.failing_reads = [range(PROGRAM + 64 * index, PROGRAM + 64 * (index + 1))]
        return index
    chosen = device.rng.choice([command for command in program if command.opcode is opcode])
    place = chosen["offset"]
    places = [range(place, place + 1)]
    if code is ErrorCode.BUS_WRITE:
        device.memory.failing_writes = places
    else:
        device.memory.failing_reads = places
    return min(
        index
        for index, command in enumerate(program)
        if command.opcode is opcode and touches(device.config, command, place)
    )


def touches(config: CoreConfig, command: Command, place: int) -> bool:
    return any(offset <= place < offset + length for offset, length in memory_runs(config, command))


async def rests_and_runs_again(device: Accelerator) -> None:
    """After a reset the bus must rest, and the next program run like golden."""
    before = device.memory.reads, device.memory.writes
    await ClockCycles(device.dut.clk, 300)
    assert (device.memory.reads, device.memory.writes) == before
    code, _ = await run_against_golden(device, make_program(device))
    assert code is ErrorCode.NONE


@cocotb.test()
async def soft_reset_in_the_middle_of_anything(dut):
    device, programs = await accelerator(dut, 4, chance=0.7, stall=0.005)
    for _ in range(4 * programs):
        await device.start(make_program(device))
        await ClockCycles(dut.clk, device.rng.randrange(1, 12_000))
        await device.write("control", SOFT_RESET)
        while await device.read("status") & 0b101:
            pass
        assert await device.read("status") & ~0b10 == 0
        await rests_and_runs_again(device)


@cocotb.test()
async def reset_in_the_middle_of_anything(dut):
    """The bus partners are reset with the accelerator."""
    device, programs = await accelerator(dut, 7, chance=0.7, stall=0.005)
    for _ in range(4 * programs):
        await device.start(make_program(device))
        await ClockCycles(dut.clk, device.rng.randrange(1, 12_000))
        await FallingEdge(dut.clk)
        await pulse_reset(dut, device.rng.randrange(SHORTEST_RESET, 2 * SHORTEST_RESET))
        assert await device.read("status") == 0
        await rests_and_runs_again(device)


@cocotb.test()
async def the_watchdog_ends_a_program(dut):
    device, programs = await accelerator(dut, 5, chance=0.7)
    for _ in range(programs):
        limit = device.rng.randrange(50, 3000)
        await device.write("watchdog", limit)
        await device.start(make_program(device))
        code, _ = await device.wait()
        assert code is ErrorCode.WATCHDOG
        assert limit <= (await device.counters())["total"] <= limit + 3
        await device.write("watchdog", 0)
        code, _ = await run_against_golden(device, make_program(device))
        assert code is ErrorCode.NONE


@cocotb.test()
async def registers_answer_under_back_pressure(dut):
    device, _ = await accelerator(dut, 6, chance=0.3)
    names = [f"window_{number}_{part}" for number in range(4) for part in ("base_low", "size")]
    values = {name: device.rng.randrange(1 << 32) for name in names}
    tasks = [cocotb.start_soon(device.write(name, value)) for name, value in values.items()]
    for task in tasks:
        await task
    for name, value in values.items():
        assert await device.read(name) == value
    assert await device.read("id") == MAGIC
