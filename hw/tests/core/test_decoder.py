"""Divider and block-index decoder against ``divmod`` and the job's own lists."""

from typing import Any

import numpy as np
import pytest

from crisp_golden.stimuli.job_windows import decoded_windows
from crisp_golden.stimuli.random_jobs import RandomJob, random_job
from crisp_golden.stimuli.small_cores import small_core
from crisp_hw.cells import Technology
from crisp_hw.core.decoder import BlockIndexDecoder, TapDivider
from crisp_spec.commands import Memory
from crisp_spec.config import CoreConfig
from crisp_spec.latencies import DECODE_INTERVAL, decode_latency, prologue_cycles
from hw.tests.core.fill import fill_memories, job_frame
from hw.tests.simulate import drive, pipelined, plain, simulate

SMALL = {"smem_words": 256, "index_words": 32, "channel_words": 16}
CONFIGS = {
    "m4": small_core(2, 2, 2, 4, tile_depth=4, tap_words=128, **SMALL),
    "m2": small_core(4, 4, 8, 2, tile_depth=2, tap_words=16, bus_bits=128, **SMALL),
}
TABLES = (Memory.BLOCK_INDEX, Memory.TAP)


def rtl_divide(divider: TapDivider, indices: list[int], divisor: int) -> list[tuple[int, int]]:
    frames = [{"index": index, "divisor": divisor} for index in indices]
    outputs = pipelined(divider, frames, ["tap", "block"], divider.latency)
    return [(output["tap"], output["block"]) for output in outputs]


@pytest.mark.parametrize(("quotient_bits", "divisor_bits"), [(1, 4), (3, 4), (4, 3)])
def test_narrow_dividers_are_exact_for_every_legal_pair(quotient_bits: int, divisor_bits: int):
    for divisor in range(1, 1 << divisor_bits):
        indices = list(range(divisor << quotient_bits))
        divided = rtl_divide(TapDivider(quotient_bits, divisor_bits), indices, divisor)
        assert divided == [divmod(index, divisor) for index in indices]


@pytest.mark.parametrize("divisor", [1, 2, 3, 255, 511, 512, 513, 4095])
def test_the_widest_divider_is_exact(divisor: int):
    limit = min(1 << 15, 64 * divisor)
    edges = [
        edge for tap in range(64) for edge in (tap * divisor, tap * divisor + divisor - 1) if edge < limit
    ]
    indices = [*edges, limit - 1, *np.random.default_rng(divisor).integers(0, limit, 50).tolist()]
    divided = rtl_divide(TapDivider(6, 12), indices, divisor)
    assert divided == [divmod(index, divisor) for index in indices]


def long_job(config: CoreConfig) -> RandomJob:
    """A random job of at least 20 windows."""
    rng = np.random.default_rng(3)
    jobs = (random_job(rng, config) for _ in range(50))
    return next(job for job in jobs if len(list(decoded_windows(job))) > 20)


async def load_job(ctx: Any, decoder: BlockIndexDecoder, job: RandomJob) -> None:
    """Set the job and fill index memory and tap table."""
    drive(ctx, decoder, {"job": job_frame(job, decoder.job)})
    await fill_memories(ctx, decoder, job, TABLES)


async def collect(
    ctx: Any, decoder: BlockIndexDecoder, count: int, ready_share: float, rng: np.random.Generator
) -> list[tuple[int, dict[str, int]]]:
    """Start and take ``count`` windows with random back-pressure; return them with their cycles."""
    drive(ctx, decoder, {"start": 1})
    await ctx.tick()
    drive(ctx, decoder, {"start": 0})
    taken, cycle = [], 0
    while len(taken) < count:
        assert cycle < 40 + count * 20 / ready_share, f"only {len(taken)} of {count} windows came"
        ready = bool(rng.random() < ready_share)
        ctx.set(decoder.o.ready, int(ready))
        if ready and ctx.get(decoder.o.valid):
            taken.append((cycle, plain(ctx.get(decoder.o.payload))))
        await ctx.tick()
        cycle += 1
    ctx.set(decoder.o.ready, 1)
    for _ in range(30):
        assert not ctx.get(decoder.o.valid), "a window too many"
        await ctx.tick()
    return taken


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("ready_share", [1.0, 0.5, 0.1])
def test_windows_of_random_jobs_come_in_order_whatever_the_back_pressure(
    config: CoreConfig, ready_share: float
):
    decoder = BlockIndexDecoder(config, technology=Technology.GENERIC)

    async def bench(ctx: Any) -> None:
        rng = np.random.default_rng(11)
        for _ in range(6):
            job = random_job(rng, config)
            expected = list(decoded_windows(job))
            await load_job(ctx, decoder, job)
            taken = await collect(ctx, decoder, len(expected), ready_share, rng)
            assert [window for _, window in taken] == expected

    simulate(decoder, bench)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_windows_come_every_interval_and_the_first_ones_before_the_prologue_ends(config: CoreConfig):
    decoder = BlockIndexDecoder(config, technology=Technology.GENERIC)

    async def bench(ctx: Any) -> None:
        job = long_job(config)
        count = len(list(decoded_windows(job)))
        await load_job(ctx, decoder, job)
        taken = await collect(ctx, decoder, count, 1.0, np.random.default_rng(0))
        cycles = [cycle for cycle, _ in taken]
        assert set(np.diff(cycles).tolist()) == {DECODE_INTERVAL}
        # The collection begins in the cycle after ``start``.
        assert cycles[0] == decode_latency(config) - 1
        assert cycles[1] < prologue_cycles(config)

    simulate(decoder, bench)


def test_a_full_queue_lets_a_burst_out_at_one_window_per_cycle():
    config = CONFIGS["m4"]
    decoder = BlockIndexDecoder(config, technology=Technology.GENERIC)

    async def bench(ctx: Any) -> None:
        job = long_job(config)
        expected = list(decoded_windows(job))
        await load_job(ctx, decoder, job)
        drive(ctx, decoder, {"start": 1})
        await ctx.tick()
        drive(ctx, decoder, {"start": 0})
        await ctx.tick().repeat(100)
        ctx.set(decoder.o.ready, 1)
        burst = []
        for _ in range(8):
            assert ctx.get(decoder.o.valid)
            burst.append(plain(ctx.get(decoder.o.payload)))
            await ctx.tick()
        assert burst == expected[:8]

    simulate(decoder, bench)
