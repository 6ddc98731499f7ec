"""cocotb bench: random jobs on the compute core; the whole activation memory and all counters compared."""

import cocotb
import numpy as np

from cocotb_tests.jobs.traffic import MemoryTraffic
from crisp_golden.stimuli.random_jobs import random_job
from crisp_sim.core.cocotb_core import driven_core
from crisp_sim.core.core_driver import CoreDriver
from crisp_sim.runs.parameters import bench_parameters, record_measurements
from crisp_spec.config import CoreConfig


async def reset_core(dut) -> tuple[CoreDriver, range, int]:
    """Parameters of every test: config, seed, first, jobs. Return driver, numbers of the jobs, seed."""
    parameters = bench_parameters()
    driver = await driven_core(dut, CoreConfig(**parameters["config"]))
    first = parameters["first"]
    return driver, range(first, first + parameters["jobs"]), parameters["seed"]


async def check_smem(driver: CoreDriver, expected: np.ndarray, name: str) -> None:
    """Demand the contents int8[words, word_channels] of the activation memory."""
    seen = await driver.read_smem(driver.config.bank_depth)
    wrong = np.argwhere(seen != expected)
    assert not len(wrong), f"{name}: {len(wrong)} bytes differ, the first at {wrong[0]}"


@cocotb.test()
async def random_jobs_match_the_model(dut):
    driver, numbers, seed = await reset_core(dut)
    cycles = 0
    for number in numbers:
        job = random_job(np.random.default_rng((seed, number)), driver.config)
        await driver.load_chip(job.chip, job.fields)
        predicted, name = job.cycles(), f"job {number}, {job.fields}"
        counted, clocked = await driver.run(limit=2 * predicted.total + 1000)
        await check_smem(driver, job.expected_smem(), name)
        assert counted == predicted, f"{name}: {counted} != {predicted}"
        assert clocked == predicted.total, f"{name}: {clocked} clock cycles"
        cycles += clocked
    record_measurements({"jobs": len(numbers), "cycles": cycles})


@cocotb.test()
async def jobs_share_the_activation_memory(dut):
    """While a job runs, rows are read and others filled; it takes as long as it does alone."""
    driver, numbers, seed = await reset_core(dut)
    reads = late = waits = 0
    for number in numbers:
        rng = np.random.default_rng((seed, number, 1))
        job = random_job(rng, driver.config)
        await driver.load_chip(job.chip, job.fields)
        predicted, name = job.cycles(), f"job {number}, {job.fields}"
        traffic = MemoryTraffic(driver, job, rng)
        clocked = await traffic.run(limit=2 * predicted.total + 1000)
        counted = driver.counters()
        assert counted == predicted, f"{name}: {counted} != {predicted}"
        assert clocked == predicted.total, f"{name}: {clocked} clock cycles"
        expected = job.expected_smem()
        traffic.apply(expected)
        await check_smem(driver, expected, name)
        reads, late, waits = reads + traffic.reads, late + traffic.late, waits + traffic.waits
    record_measurements({"reads": reads, "late": late, "waits": waits})
