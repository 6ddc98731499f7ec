"""cocotb bench: the core's control: memory ports, start, busy and done, counters, reset during a job."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly
from cocotb.utils import get_sim_time

from crisp_golden.arithmetic.network import QuantizedConv
from crisp_golden.cycles.core_cycles import CycleCount
from crisp_golden.stimuli.layer_cases import LayerCase, case_jobs
from crisp_golden.stimuli.random_jobs import RandomJob, random_job
from crisp_sim.core.clocking import CLOCK_PERIOD_NS, RESET_CYCLES, pulse_reset
from crisp_sim.core.cocotb_core import driven_core
from crisp_sim.core.core_driver import CoreDriver
from crisp_sim.core.layer_run import check_layer
from crisp_sim.runs.parameters import bench_parameters
from crisp_spec.commands import Memory
from crisp_spec.config import CoreConfig
from crisp_spec.latencies import flush_cycles, prologue_cycles, release_cycles
from crisp_spec.memories import memory_beats

RESETS_AMONG_OUTPUTS = 20


async def reset_core(dut) -> tuple[CoreDriver, np.random.Generator]:
    """Parameters of every test: config, seed."""
    parameters = bench_parameters()
    driver = await driven_core(dut, CoreConfig(**parameters["config"]))
    return driver, np.random.default_rng(parameters["seed"])


async def preloaded_job(driver: CoreDriver, rng: np.random.Generator) -> RandomJob:
    """A random job, ready to start."""
    job = random_job(rng, driver.config)
    await driver.load_chip(job.chip, job.fields)
    return job


async def check_output(driver: CoreDriver, job: RandomJob) -> None:
    """Compare what lies in the activation memory with golden."""
    seen = await driver.read_smem(driver.config.bank_depth)
    assert np.array_equal(seen, job.expected_smem())


async def check_job(driver: CoreDriver, rng: np.random.Generator) -> None:
    """Run a random job from start to end."""
    job = await preloaded_job(driver, rng)
    counted, clocked = await driver.run(limit=2 * job.cycles().total + 1000)
    assert counted == job.cycles()
    assert clocked == counted.total
    await check_output(driver, job)


async def start_when_ready(dut, later: int = 0) -> None:
    """Start a job ``later`` cycles after the core is ready for it."""
    while not dut.job_ready.value:
        await FallingEdge(dut.clk)
    for _ in range(later):
        await FallingEdge(dut.clk)
    dut.job_start.value = 1
    await FallingEdge(dut.clk)
    dut.job_start.value = 0
    assert dut.busy.value


async def busy_cycles(dut: Any, start: Callable[[], bool], limit: int) -> AsyncIterator[bool]:
    """Start the core; yield ``done`` in every cycle in which it is busy, with ``start()`` as its input."""
    dut.job_start.value = 1
    await FallingEdge(dut.clk)
    for _ in range(limit):
        if not dut.busy.value:
            dut.job_start.value = 0
            await ReadOnly()
            assert not dut.starved.value
            return
        dut.job_start.value = int(start())
        yield bool(dut.job_done.value)
        await FallingEdge(dut.clk)
    raise AssertionError(f"still busy after {limit} cycles")


@cocotb.test()
async def the_read_port_returns_what_the_write_port_wrote(dut):
    driver, rng = await reset_core(dut)
    config = driver.config
    image = rng.integers(-128, 128, (config.smem_words, config.word_channels)).astype(np.int8)
    await driver.write_smem(image)
    assert np.array_equal(await driver.read_smem(config.bank_depth), image)
    beats, size = image.view(np.uint8).reshape(-1, config.bus_bits // 8), config.bus_bits // 8
    for beat in rng.permutation(memory_beats(config, Memory.SMEM))[:200].tolist():
        data = rng.bytes(size)
        # Beats beyond the memory wrap round.
        await driver.fill(Memory.SMEM, data, beat + len(beats) * int(rng.integers(2)))
        beats[beat] = np.frombuffer(data, np.uint8)
    assert np.array_equal(await driver.read_smem(config.bank_depth), image)


@cocotb.test()
async def a_job_reads_the_last_word_of_every_memory(dut):
    """The layer has as many windows as index and weight memory hold, and then the largest N that fits."""
    driver, rng = await reset_core(dut)
    config = driver.config
    windows = min(config.index_words, config.weight_words // config.load_beats)
    n = min(config.m, config.weight_words // (windows * config.load_beats))
    channels = windows // (config.channel_words // config.rows) * config.word_channels
    weight = rng.integers(1, 128, (config.channel_words, channels, 1, 1))
    weight *= (np.arange(channels) % config.m < n)[:, None, None]
    case = plain_case(rng, weight.astype(np.int8), 3, 5)
    (job,) = case_jobs(driver.config, case)
    assert len(job.images[Memory.BLOCK_INDEX]) == 2 * windows
    assert len(job.images[Memory.WEIGHT]) == windows * n * config.rows * config.lanes
    assert len(job.images[Memory.CHANNEL]) == 8 * config.channel_words
    await check_layer(driver, case)


@cocotb.test()
async def a_job_reads_the_last_tap(dut):
    driver, rng = await reset_core(dut)
    taps = driver.config.tap_words
    weight = rng.integers(-128, 128, (3, 2, 8, taps // 8)).astype(np.int8)
    case = plain_case(rng, weight, 8, taps // 8 + 2)
    case = replace(case, layer=replace(case.layer, padding=(4, 1)))
    (job,) = case_jobs(driver.config, case)
    assert len(job.images[Memory.TAP]) == 8 * taps
    await check_layer(driver, case)


@cocotb.test()
async def reset_in_the_middle_of_a_job(dut):
    driver, rng = await reset_core(dut)
    for _ in range(12):
        job = await preloaded_job(driver, rng)
        dut.job_start.value = 1
        await FallingEdge(dut.clk)
        dut.job_start.value = 0
        for _ in range(int(rng.integers(job.cycles().total - 1))):
            await FallingEdge(dut.clk)
        assert dut.busy.value
        await pulse_reset(dut, cycles=int(rng.integers(1, RESET_CYCLES)))
        assert not dut.busy.value
        assert driver.counters() == CycleCount()
        await check_job(driver, rng)


@cocotb.test()
async def outputs_under_way_at_a_reset_are_lost(dut):
    """They do not overwrite what is written right behind the reset."""
    driver, rng = await reset_core(dut)
    config = driver.config
    for _ in range(RESETS_AMONG_OUTPUTS):
        job = await preloaded_job(driver, rng)
        before, after = job.chip.smem, job.expected_smem()
        dut.job_start.value = 1
        await FallingEdge(dut.clk)
        dut.job_start.value = 0
        for _ in range(job.cycles().total - int(rng.integers(2, flush_cycles(config)))):
            await FallingEdge(dut.clk)
        await pulse_reset(dut, cycles=1)
        words = rng.permutation(np.flatnonzero((before != after).any(axis=1)))[: config.rows]
        mark = rng.integers(-128, 128, (len(words), config.word_channels)).astype(np.int8)
        beats = config.word_bits // config.bus_bits
        for word, content in zip(words.tolist(), mark, strict=True):
            await driver.fill(Memory.SMEM, content.tobytes(), word * beats)
        for _ in range(config.rows):
            await FallingEdge(dut.clk)
        assert np.array_equal((await driver.read_smem(config.bank_depth))[words], mark)


@cocotb.test()
async def start_is_ignored_until_the_core_is_ready(dut):
    driver, rng = await reset_core(dut)
    for _ in range(6):
        job = await preloaded_job(driver, rng)
        expected = job.cycles()
        done = [
            cycle
            async for cycle in busy_cycles(
                dut, lambda: not dut.job_ready.value and rng.random() < 0.5, 2 * expected.total + 1000
            )
        ]
        assert len(done) == expected.total
        assert driver.counters() == expected
        await FallingEdge(dut.clk)
        await check_output(driver, job)


@cocotb.test()
async def done_is_high_in_the_last_busy_cycle(dut):
    driver, rng = await reset_core(dut)
    for _ in range(6):
        total = (await preloaded_job(driver, rng)).cycles().total
        done = [cycle async for cycle in busy_cycles(dut, lambda: False, 2 * total + 1000)]
        assert done == [False] * (total - 1) + [True]
        await FallingEdge(dut.clk)
        assert not dut.job_done.value


@cocotb.test()
async def jobs_run_back_to_back(dut):
    """Each start comes some cycles after the core is ready: the sooner, the more of a prologue is hidden."""
    driver, rng = await reset_core(dut)
    config = driver.config
    most = flush_cycles(config) - release_cycles(config) - 1
    assert 0 < most <= prologue_cycles(config)
    for later in range(most):
        job = await preloaded_job(driver, rng)
        started = get_sim_time("ns")
        await start_when_ready(dut)
        for _ in range(2):
            await start_when_ready(dut, later)
        while dut.busy.value:
            await FallingEdge(dut.clk)
        assert dut.counted.value
        expected, hidden = job.cycles() + job.cycles() + job.cycles(), 2 * (most - later)
        assert driver.counters() == replace(expected, prologue=expected.prologue - hidden)
        clocked = round((get_sim_time("ns") - started) / CLOCK_PERIOD_NS) - 1
        assert clocked == expected.total - hidden
        await check_output(driver, job)


@cocotb.test()
async def a_start_in_the_first_idle_cycle_counts_anew(dut):
    driver, rng = await reset_core(dut)
    for _ in range(6):
        job = await preloaded_job(driver, rng)
        expected = job.cycles()
        for _ in range(2):
            dut.job_start.value = 1
            await FallingEdge(dut.clk)
            dut.job_start.value = 0
            for _ in range(expected.total):
                assert dut.busy.value
                await FallingEdge(dut.clk)
            assert not dut.busy.value
            assert driver.counters() == expected
        await FallingEdge(dut.clk)
        await check_output(driver, job)
        await check_job(driver, rng)


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
