"""cocotb bench: runs layers, and measures the wall time of preload, run and readback."""

import time

import cocotb
import numpy as np

from benchmarks.layers import MeasuredLayer
from crisp_golden.cycles.core_cycles import ideal_cycles, job_cycles
from crisp_golden.stimuli.layer_cases import case_jobs
from crisp_sim.core.cocotb_core import driven_core
from crisp_sim.core.core_driver import CoreDriver
from crisp_sim.core.layer_run import fetch_job, preload_job
from crisp_sim.runs.parameters import bench_parameters, record_measurements
from crisp_spec.config import CoreConfig


@cocotb.test()
async def measured_layers_match_golden(dut):
    """Parameters: config, seed, layers (fields of ``MeasuredLayer``)."""
    parameters = bench_parameters()
    driver = await driven_core(dut, CoreConfig(**parameters["config"]))
    layers = [MeasuredLayer(**fields) for fields in parameters["layers"]]
    results = [await _measure(driver, layer, parameters["seed"]) for layer in layers]
    record_measurements({"layers": results})


async def _measure(driver: CoreDriver, measured: MeasuredLayer, seed: int) -> dict[str, float | str]:
    case, shape = measured.case(seed), (measured.size, measured.size)
    y = np.zeros((measured.channels, *shape), np.int8)
    cycles, seconds = 0, np.zeros(3)
    jobs = case_jobs(driver.config, case)
    for job in jobs:
        predicted = job_cycles(driver.config, job.fields, job.windows).total
        moments = [time.perf_counter()]
        await preload_job(driver, case, job)
        moments.append(time.perf_counter())
        _, counted = await driver.run(limit=2 * predicted)
        moments.append(time.perf_counter())
        await fetch_job(driver, job, y)
        moments.append(time.perf_counter())
        assert counted == predicted
        cycles += counted
        seconds += np.diff(moments)
    assert np.array_equal(y, case.expected())
    return {
        "name": measured.name,
        "cycles": cycles,
        "ideal_cycles": ideal_cycles(driver.config, jobs[0].work, *shape),
        **dict(zip(("preload_seconds", "run_seconds", "readback_seconds"), seconds.tolist(), strict=True)),
    }
