"""cocotb bench: random jobs on the compute core; the whole activation memory and all counters compared."""

import cocotb
import numpy as np

from cocotb_tests.jobs.random_jobs import RandomJob, random_job
from cocotb_tests.tb.core_driver import CoreDriver
from cocotb_tests.tb.parameters import bench_parameters, record_measurements
from crisp_golden.config import CoreConfig


@cocotb.test()
async def random_jobs_match_the_model(dut):
    """Parameters: config, seed, first, jobs."""
    parameters = bench_parameters()
    config = CoreConfig(**parameters["config"])
    driver = CoreDriver(dut, config)
    await driver.reset()
    cycles = 0
    for number in range(parameters["first"], parameters["first"] + parameters["jobs"]):
        job = random_job(np.random.default_rng((parameters["seed"], number)), config)
        cycles += await check_job(driver, job, f"job {number}")
    record_measurements({"jobs": parameters["jobs"], "cycles": cycles})


async def check_job(driver: CoreDriver, job: RandomJob, name: str) -> int:
    """Run a job; demand equal memories, counters and clock cycles. Return the latter."""
    for target, memory in job.chip.memories.items():
        await driver.fill(target, memory.tobytes())
    driver.set_job(job.values)
    predicted = job.cycles()
    counted, clocked = await driver.run(limit=2 * predicted.total + 1000)
    smem, expected = await driver.read_smem(driver.config.bank_depth), job.expected_smem()
    wrong = np.argwhere(smem != expected)
    assert not len(wrong), f"{name}: {len(wrong)} bytes differ, the first at {wrong[0]}: {job.values}"
    assert counted == predicted, f"{name}: {counted} != {predicted}"
    assert clocked == predicted.total, f"{name}: {clocked} clock cycles"
    return clocked
