"""The sequencer against the schedule it stands for: beats, memory requests, drains and counters."""

from typing import Any

import numpy as np
import pytest

from crisp_golden.config import CoreConfig
from crisp_golden.cycles import CycleCount, job_cycles
from crisp_golden.packing import Job
from crisp_golden.timing import OUTPUT_LATENCY, accumulate_latency, flush_cycles, prologue_cycles
from crisp_hw.sequencer import Sequencer
from golden.tests.random_core_layers import small_core
from hw.tests.job_reference import decoded_windows, random_job
from hw.tests.simulate import drive, plain, simulate

CONFIGS = {
    "m4": small_core(2, 2, 2, 4, tile_depth=4),
    "m2": small_core(4, 4, 2, 2, tile_depth=2),
    "wide": small_core(8, 32, 1, 8, tile_depth=2, load_rows=4),
}


def written_latency(config: CoreConfig) -> int:
    """Cycles from the last drain command to ``written``: accumulators, rows, output stage, writer."""
    return accumulate_latency(config) - 1 + config.rows + 1 + OUTPUT_LATENCY + 1


class Recording:
    """Everything a sequencer did in one job, cycle by cycle where something was valid."""

    def __init__(self):
        self.beats: list[dict[str, int]] = []
        self.drains: list[dict[str, int]] = []
        self.loads: list[int] = []
        self.windows_taken = 0
        self.cycles = 0
        self.counters = CycleCount()
        self.starved = 0

    def observe(self, ctx: Any, sequencer: Sequencer) -> None:
        """Record this cycle's beat and drain command."""
        beat = plain(ctx.get(sequencer.beat))
        if beat["mac"] or beat["residual"]:
            request = {name: ctx.get(getattr(sequencer, name)) for name in ("read_en", "read_addr", "inside")}
            self.beats.append(beat | request)
        drain = plain(ctx.get(sequencer.drain))
        if drain["valid"]:
            self.drains.append(drain)
        if ctx.get(sequencer.load):
            self.loads.append(self.cycles)


async def run(ctx: Any, sequencer: Sequencer, job: Job, windows: list[dict[str, int]]) -> Recording:
    """Run a job; stubs stand for the decoder, which is always ahead, and for the output path."""
    recording, queue = Recording(), list(windows)
    job_ends_at = None
    drive(ctx, sequencer, {"job": job.registers, "written": 0})
    await ctx.tick()
    drive(ctx, sequencer, {"start": 1})
    await ctx.tick()
    drive(ctx, sequencer, {"start": 0})
    while ctx.get(sequencer.busy):
        assert recording.cycles < 20_000
        ctx.set(sequencer.i.valid, int(bool(queue)))
        if queue:
            ctx.set(sequencer.i.payload, queue[0])
        if ctx.get(sequencer.drain.valid) and ctx.get(sequencer.drain.job_end):
            job_ends_at = recording.cycles
        ends = job_ends_at is not None and recording.cycles == job_ends_at + written_latency(sequencer.config)
        ctx.set(sequencer.written, int(ends))
        recording.observe(ctx, sequencer)
        if ctx.get(sequencer.i.ready) and queue:
            queue.pop(0)
            recording.windows_taken += 1
        await ctx.tick()
        recording.cycles += 1
    recording.counters = CycleCount(**plain(ctx.get(sequencer.counters)))
    recording.starved = ctx.get(sequencer.starved)
    return recording


def expected_beats(config: CoreConfig, job: Job) -> list[dict[str, int]]:
    """All beats of a job in order; only the fields that mean something in them."""
    r, beats, tile, row_tile = job.registers, [], 0, 0
    parts = config.window // config.rows
    for number, window in enumerate(decoded_windows(config, job)):
        depths = r["depth_last"] if window["last_pixels"] else r["depth_full"]
        first_pixel = tile % r["pixel_tiles"] * r["depth_full"] * config.cols
        place = {"bank": tile % 2, "slot": row_tile % 16}
        for depth in range(depths):
            request = {
                "read_addr": (window["base"] + depth * config.cols) % config.smem_words,
                "inside": inside(config, window, first_pixel + depth * config.cols, r["pitch"]),
            }
            for n in range(r["n"]):
                beat = {"mac": 1, "fetch": int(n == 0), "first": int(window["first"] and n == 0)}
                beat |= {"n": n, "depth": depth, "buffer": number % 2} | place
                beats.append(beat | request if n == 0 else beat)
        if window["last"] and r["residual"]:
            plane, part = divmod(r["out_part"] + row_tile, parts)
            base = r["res_base"] + plane * r["res_plane"] + first_pixel
            beats += [
                {"residual": 1, "fetch": 1, "bank": tile % 2, "depth": depth, "part": part}
                | {"read_addr": (base + depth * config.cols) % config.smem_words}
                | {"inside": (1 << config.cols) - 1}
                for depth in range(depths)
            ]
        tile += window["last"]
        row_tile += window["last"] and window["last_pixels"]
    return beats


def inside(config: CoreConfig, window: dict[str, int], pixel: int, pitch: int) -> int:
    """Bit mask of the columns whose pixel lies in the window's tap range."""
    y, x = np.divmod(pixel + np.arange(config.cols), pitch)
    mask = (window["y_low"] <= y) & (y < window["y_high"]) & (window["x_low"] <= x) & (x < window["x_high"])
    return sum(1 << col for col in np.flatnonzero(mask).tolist())


def expected_drains(config: CoreConfig, job: Job) -> list[dict[str, int]]:
    """All drain commands of a job in order."""
    r, drains = job.registers, []
    for row_tile in range(r["row_tiles"]):
        for pixel_tile in range(r["pixel_tiles"]):
            last_pixels = pixel_tile == r["pixel_tiles"] - 1
            depths = r["depth_last"] if last_pixels else r["depth_full"]
            for pixel in range(depths * config.cols):
                ends = last_pixels and pixel == depths * config.cols - 1
                drains.append(
                    {
                        "valid": 1,
                        "bank": (row_tile * r["pixel_tiles"] + pixel_tile) % 2,
                        "depth": pixel // config.cols,
                        "col": pixel % config.cols,
                        "slot": row_tile % 16,
                        "row_tile_end": int(ends),
                        "job_end": int(ends and row_tile == r["row_tiles"] - 1),
                    }
                )
    return drains


def assert_schedule(config: CoreConfig, job: Job, recording: Recording) -> None:
    expected = expected_beats(config, job)
    assert len(recording.beats) == len(expected)
    for number, (beat, fields) in enumerate(zip(recording.beats, expected, strict=True)):
        assert {name: beat[name] for name in fields} == fields, f"beat {number}"
        assert beat["read_en"] == beat["fetch"], f"beat {number}"
    assert recording.drains == expected_drains(config, job)
    assert recording.windows_taken == len(recording.loads) == len(list(decoded_windows(config, job)))
    assert recording.loads[0] == prologue_cycles(config) - 2
    assert recording.counters == job_cycles(config, job)
    # The cycle of `start` is the job's first.
    assert recording.cycles == recording.counters.total - 1
    assert recording.starved == 0


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_random_jobs_follow_the_schedule_and_the_cycle_model(config: CoreConfig):
    sequencer = Sequencer(config)

    async def bench(ctx: Any) -> None:
        rng = np.random.default_rng(21)
        for _ in range(6):
            job = random_job(config, rng)
            assert_schedule(config, job, await run(ctx, sequencer, job, list(decoded_windows(config, job))))

    simulate(sequencer, bench)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_flush_ends_when_the_last_output_is_written(config: CoreConfig):
    """One register holds the drain command, one starts the drain; then the counters settle."""
    assert flush_cycles(config) == written_latency(config) + 2


def test_starved_sticks_until_the_next_start():
    config = CONFIGS["m4"]
    sequencer = Sequencer(config)
    only = {"first": 1, "last": 1, "first_pixels": 1, "last_pixels": 1, "last_rows": 1}
    job = next(
        job for seed in range(50) if len((job := random_job(config, np.random.default_rng(seed))).index) == 1
    )

    async def bench(ctx: Any) -> None:
        ctx.set(sequencer.i.payload, only)
        starved = await run(ctx, sequencer, job, [])
        assert starved.starved == 1
        await ctx.tick().repeat(5)
        assert ctx.get(sequencer.starved) == 1
        fed = await run(ctx, sequencer, job, list(decoded_windows(config, job)))
        assert fed.starved == 0

    simulate(sequencer, bench)


def test_start_is_ignored_while_busy():
    config = CONFIGS["m4"]
    sequencer = Sequencer(config)
    job = random_job(config, np.random.default_rng(2))

    async def bench(ctx: Any) -> None:
        drive(ctx, sequencer, {"job": job.registers, "start": 1})
        await ctx.tick().repeat(20)
        assert ctx.get(sequencer.counters.prologue) == 19

    simulate(sequencer, bench)
