"""cocotb bench: random layers on the compute core, equal bits and equal cycles."""

import time

import cocotb
import numpy as np

from crisp_golden.stimuli.layer_cases import numbered_case, random_pool
from crisp_sim.core.cocotb_core import driven_core
from crisp_sim.core.layer_run import check_layer
from crisp_sim.runs.parameters import bench_parameters, record_measurements
from crisp_spec.config import CoreConfig


@cocotb.test()
async def random_layers_match_golden(dut):
    """Parameters: config, seed, first, cases, size."""
    parameters = bench_parameters()
    config = CoreConfig(**parameters["config"])
    driver = await driven_core(dut, config)
    cycles, started = 0, time.perf_counter()
    for done in range(parameters["cases"]):
        number = parameters["first"] + done
        case = numbered_case(config, seed=parameters["seed"], number=number, size=parameters["size"])
        result = await check_layer(driver, case)
        cycles += result.clocked
        seconds = time.perf_counter() - started
        record_measurements({"cases": done + 1, "cycles": cycles, "seconds": seconds})
        dut._log.info("case %d: %d cycles", number, result.clocked)


@cocotb.test()
async def random_pools_match_golden(dut):
    """Parameters: config, seed, first, cases, size; one pooling layer for every eight cases."""
    parameters = bench_parameters()
    config = CoreConfig(**parameters["config"])
    driver = await driven_core(dut, config)
    count = -(-parameters["cases"] // 8)
    for number in range(parameters["first"], parameters["first"] + count):
        rng = np.random.default_rng((parameters["seed"], number, 1))
        await check_layer(driver, random_pool(rng, config, size=parameters["size"]))
    record_measurements({"pools": count})
