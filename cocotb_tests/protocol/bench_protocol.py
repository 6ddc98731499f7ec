"""cocotb bench: the whole accelerator on its buses; memory, errors and counters against golden."""

from random import Random

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge

from cocotb_tests.protocol.accelerator import Accelerator
from crisp_golden.stimuli.random_programs import random_program
from crisp_golden.stimuli.wrong_programs import BUS_ERRORS, random_fault, spoil
from crisp_hw.accelerator import SHORTEST_RESET
from crisp_sim.accelerator.program_host import SOFT_RESET
from crisp_sim.core.clocking import pulse_reset
from crisp_sim.runs.parameters import bench_parameters, record_measurements
from crisp_spec.commands import Command
from crisp_spec.config import CoreConfig
from crisp_spec.error_codes import ErrorCode
from crisp_spec.registers import MAGIC

TRAFFIC = ((1.0, 0.0, 1, 200), (0.5, 0.0, 200, 1), (1.0, 0.02, None, None), (0.7, 0.01, None, None))
"""Chances that a channel moves in a cycle, and that a beat waits for up to 200 cycles; latencies of reads and
writes, None for a random one from 1 to 200.
"""
USUAL_SIZE = 1 << 18
"""Bytes of memory; accelerators that need more get fewer programs, as theirs are so much longer."""


async def accelerator(dut, test: int, *, chance: float = 1.0, stall: float = 0.0) -> tuple[Accelerator, int]:
    """The accelerator after a reset, with a memory of random latencies, and how many programs to run."""
    parameters = bench_parameters()
    rng = Random(f"{parameters['seed']} {test}")
    device = Accelerator(dut, CoreConfig(**parameters["config"]), rng, chance=chance, stall=stall)
    await device.reset()
    return device, max(1, parameters["programs"] * USUAL_SIZE // max(USUAL_SIZE, device.place.size))


def make_program(device: Accelerator) -> list[Command]:
    return random_program(device.config, device.rng, device.memory.data, device.place)


async def run_against_golden(device: Accelerator, program: list) -> ErrorCode:
    """Run a program on both; demand the same end and the same memory. Return the error code."""
    aftermath = await device.start(program)
    code, index = device.outcome(len(program))
    assert await device.wait() == (code, index)
    aftermath.check(device.contents, code, index)
    return code


@cocotb.test()
async def random_programs_match_golden(dut):
    device, programs = await accelerator(dut, 1)
    cycles = 0
    for chance, stall, read_latency, write_latency in TRAFFIC:
        device.set_traffic(chance, stall)
        for _ in range(programs):
            device.set_latency(read_latency, write_latency)
            assert await run_against_golden(device, make_program(device)) is ErrorCode.NONE
            cycles += device.total
    record_measurements({"cycles": cycles})


@cocotb.test()
async def wrong_programs_stop_where_golden_says(dut):
    device, programs = await accelerator(dut, 2, chance=0.8)
    seen = []
    for _ in range(2 * programs):
        seen.append(await run_against_golden(device, spoil(device.rng, make_program(device))))
        assert await run_against_golden(device, make_program(device)) is ErrorCode.NONE
    record_measurements({"errors": len([code for code in seen if code])})


@cocotb.test()
async def any_beat_of_any_burst_may_fail(dut):
    device, programs = await accelerator(dut, 3, chance=0.8)
    memory = device.memory
    for code in BUS_ERRORS:
        for _ in range(programs):
            program = make_program(device)
            fault = random_fault(device.config, device.rng, program, code, device.place.program)
            (memory.failing_reads, memory.failing_writes), memory.error = fault.beats, fault.response
            aftermath = await device.start(program)
            assert await device.wait() == (code, fault.index)
            aftermath.check(device.contents, code, fault.index)
            memory.failing_reads, memory.failing_writes = [], []
            assert await run_against_golden(device, make_program(device)) is ErrorCode.NONE


async def rests_and_runs_again(device: Accelerator) -> None:
    """After a reset the bus must rest, and the next program run like golden."""
    before = device.memory.reads, device.memory.writes
    await ClockCycles(device.dut.clk, 300)
    assert (device.memory.reads, device.memory.writes) == before
    assert await run_against_golden(device, make_program(device)) is ErrorCode.NONE


@cocotb.test()
async def soft_reset_in_the_middle_of_anything(dut):
    device, programs = await accelerator(dut, 4, chance=0.7, stall=0.005)
    await run_against_golden(device, make_program(device))
    for _ in range(3 * programs):
        aftermath = await device.start(make_program(device))
        await ClockCycles(dut.clk, device.rng.randrange(1, device.total))
        await device.write("control", SOFT_RESET)
        while await device.read("status") & 0b101:
            pass
        assert await device.read("status") & ~0b10 == 0
        aftermath.check(device.contents, ErrorCode.WATCHDOG)
        await rests_and_runs_again(device)


@cocotb.test()
async def reset_in_the_middle_of_anything(dut):
    """The bus partners are reset with the accelerator."""
    device, programs = await accelerator(dut, 7, chance=0.7, stall=0.005)
    await run_against_golden(device, make_program(device))
    for _ in range(3 * programs):
        aftermath = await device.start(make_program(device))
        await ClockCycles(dut.clk, device.rng.randrange(1, device.total))
        await FallingEdge(dut.clk)
        await pulse_reset(dut, device.rng.randrange(SHORTEST_RESET, 2 * SHORTEST_RESET))
        assert await device.read("status") == 0
        aftermath.check(device.contents, ErrorCode.WATCHDOG)
        await rests_and_runs_again(device)


@cocotb.test()
async def the_watchdog_ends_a_program(dut):
    device, programs = await accelerator(dut, 5, chance=0.7)
    for _ in range(programs):
        limit = device.rng.randrange(50, 3000)
        await device.write("watchdog", limit)
        aftermath = await device.start(make_program(device))
        code, _ = await device.wait()
        assert code is ErrorCode.WATCHDOG
        aftermath.check(device.contents, code)
        assert limit <= device.total <= limit + 3
        await device.write("watchdog", 0)
        assert await run_against_golden(device, make_program(device)) is ErrorCode.NONE


@cocotb.test()
async def registers_answer_under_back_pressure(dut):
    device, _ = await accelerator(dut, 6, chance=0.3)
    names = [f"segment_{number}_{part}" for number in range(4) for part in ("base_high", "size")]
    values = {name: device.rng.randrange(1 << 32) for name in names}
    tasks = [cocotb.start_soon(device.write(name, value)) for name, value in values.items()]
    for task in tasks:
        await task
    for name, value in values.items():
        assert await device.read(name) == value
    assert await device.read("id") == MAGIC
    device.check_bus()
