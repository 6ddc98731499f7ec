"""cocotb bench: the core's control: host port, start, busy and done, counters, reset during a job."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly

from cocotb_tests.layers.random_layers import random_case
from cocotb_tests.tb.core_driver import CoreDriver
from cocotb_tests.tb.layer_run import LayerCase, check_layer, fetch_job, preload_job
from cocotb_tests.tb.parameters import bench_parameters
from crisp_golden.config import CoreConfig
from crisp_golden.cycles import CycleCount, job_cycles
from crisp_golden.network import QuantizedConv
from crisp_golden.packing import Job, pack_layer


async def reset_core(dut) -> tuple[CoreDriver, np.random.Generator]:
    """Parameters of every test: config, seed."""
    parameters = bench_parameters()
    driver = CoreDriver(dut, CoreConfig(**parameters["config"]))
    await driver.reset()
    return driver, np.random.default_rng(parameters["seed"])


def single_job_case(rng: np.random.Generator, config: CoreConfig) -> tuple[LayerCase, Job]:
    """A random layer that is one job, with that job."""
    while True:
        case = random_case(rng, config, number=int(rng.integers(48)), size=8)
        jobs = pack_layer(config, case.layer, *case.x.shape[1:])
        if len(jobs) == 1:
            return case, jobs[0]


async def check_output(driver: CoreDriver, case: LayerCase, job: Job) -> None:
    """Compare what lies in the activation memory with golden."""
    expected = case.expected()
    y = np.zeros_like(expected)
    await fetch_job(driver, job, y)
    assert np.array_equal(y, expected)


async def busy_cycles(driver: CoreDriver, start: Callable[[], bool], limit: int) -> AsyncIterator[bool]:
    """Start the core; yield ``done`` in every cycle in which it is busy, with ``start()`` as its input."""
    dut = driver.dut
    dut.start.value = 1
    await FallingEdge(dut.clk)
    for _ in range(limit):
        if not dut.busy.value:
            dut.start.value = 0
            await ReadOnly()
            assert not dut.starved.value
            return
        dut.start.value = int(start())
        yield bool(dut.done.value)
        await FallingEdge(dut.clk)
    raise AssertionError(f"still busy after {limit} cycles")


@cocotb.test()
async def host_port_reads_back_every_activation_word(dut):
    driver, rng = await reset_core(dut)
    shape = (driver.config.smem_words, driver.config.window)
    image = rng.integers(-128, 128, shape).astype(np.int8)
    await driver.write_smem(0, image)
    assert np.array_equal(await driver.read_smem(0, len(image)), image)
    for address in rng.permutation(len(image))[:200].tolist():
        word = rng.integers(-128, 128, (1, driver.config.window)).astype(np.int8)
        await driver.write_smem(address, word)
        image[address] = word
    assert np.array_equal(await driver.read_smem(0, len(image)), image)


@cocotb.test()
async def a_job_reads_the_last_word_of_every_memory(dut):
    """The layer has as many windows as index and weight memory hold, and then the largest N that fits."""
    driver, rng = await reset_core(dut)
    config = driver.config
    windows = min(config.index_words, config.weight_words // config.load_beats)
    n = min(config.m, config.weight_words // (windows * config.load_beats))
    channels = windows // (config.channel_words // config.rows) * config.window
    weight = rng.integers(1, 128, (config.channel_words, channels, 1, 1))
    weight *= (np.arange(channels) % config.m < n)[:, None, None]
    case = plain_case(rng, weight.astype(np.int8), 3, 5)
    (job,) = pack_layer(config, case.layer, 3, 5)
    assert len(job.index) == windows
    assert len(job.weights) == windows * n * config.load_beats
    assert len(job.channels) == config.channel_words // config.load_rows
    await check_layer(driver, case)


@cocotb.test()
async def a_job_reads_the_last_tap(dut):
    driver, rng = await reset_core(dut)
    side = int(driver.config.tap_words**0.5)
    weight = rng.integers(-128, 128, (3, 2, side, side)).astype(np.int8)
    case = plain_case(rng, weight, side, side + 2)
    case = replace(case, layer=replace(case.layer, padding=(side // 2, 1)))
    (job,) = pack_layer(driver.config, case.layer, *case.x.shape[1:])
    assert len(job.taps) == driver.config.tap_words
    await check_layer(driver, case)


@cocotb.test()
async def reset_in_the_middle_of_a_job(dut):
    driver, rng = await reset_core(dut)
    for _ in range(12):
        case, job = single_job_case(rng, driver.config)
        await preload_job(driver, case, job)
        dut.start.value = 1
        await FallingEdge(dut.clk)
        dut.start.value = 0
        for _ in range(int(rng.integers(job_cycles(driver.config, job).total - 1))):
            await FallingEdge(dut.clk)
        assert dut.busy.value
        await driver.reset()
        assert not dut.busy.value
        assert driver.counters() == CycleCount()
        following, _ = single_job_case(rng, driver.config)
        await check_layer(driver, following)


@cocotb.test()
async def start_is_ignored_while_busy(dut):
    driver, rng = await reset_core(dut)
    for _ in range(6):
        case, job = single_job_case(rng, driver.config)
        expected = job_cycles(driver.config, job)
        await preload_job(driver, case, job)
        done = [
            cycle
            async for cycle in busy_cycles(driver, lambda: rng.random() < 0.5, 2 * expected.total + 1000)
        ]
        assert len(done) == expected.total
        assert driver.counters() == expected
        await FallingEdge(dut.clk)
        await check_output(driver, case, job)


@cocotb.test()
async def done_is_high_in_the_last_busy_cycle(dut):
    driver, rng = await reset_core(dut)
    for _ in range(6):
        case, job = single_job_case(rng, driver.config)
        await preload_job(driver, case, job)
        total = job_cycles(driver.config, job).total
        done = [cycle async for cycle in busy_cycles(driver, lambda: False, 2 * total + 1000)]
        assert done == [False] * (total - 1) + [True]
        await FallingEdge(dut.clk)
        assert not dut.done.value


@cocotb.test()
async def jobs_run_back_to_back_with_cleared_counters(dut):
    """The second start comes in the first idle cycle: of the same job, then of another one."""
    driver, rng = await reset_core(dut)
    for _ in range(6):
        case, job = single_job_case(rng, driver.config)
        expected = job_cycles(driver.config, job)
        await preload_job(driver, case, job)
        dut.start.value = 1
        for _ in range(2):
            await FallingEdge(dut.clk)
            for _ in range(expected.total):
                assert dut.busy.value
                await FallingEdge(dut.clk)
            assert not dut.busy.value
            assert driver.counters() == expected
        dut.start.value = 0
        await FallingEdge(dut.clk)
        assert not dut.busy.value
        await check_output(driver, case, job)
        following, _ = single_job_case(rng, driver.config)
        await check_layer(driver, following)


def plain_case(rng: np.random.Generator, weight: np.ndarray, height: int, width: int) -> LayerCase:
    """A layer of stride 1 without padding, grouping, pattern or residual, with a random input."""
    k, channels = weight.shape[:2]
    layer = QuantizedConv(
        name="plain",
        weight=weight,
        bias=rng.integers(-1000, 1000, k).astype(np.int32),
        multiplier=rng.integers(1 << 15, 1 << 16, k).astype(np.uint16),
        shift=np.full(k, 26, np.uint8),
    )
    return LayerCase(layer=layer, x=rng.integers(-128, 128, (channels, height, width)).astype(np.int8))
