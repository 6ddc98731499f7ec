"""The sequencer against the schedule it stands for: beats, memory requests, drains and counters."""

from typing import Any

import numpy as np
import pytest

from crisp_golden.cycles.core_cycles import CycleCount
from crisp_golden.stimuli.job_windows import decoded_windows, ring_rows
from crisp_golden.stimuli.random_jobs import RandomJob, random_job
from crisp_golden.stimuli.small_cores import small_core
from crisp_hw.core.sequencing.sequencer import Sequencer
from crisp_spec.config import CoreConfig
from crisp_spec.latencies import OUTPUT_LATENCY, accumulate_latency, flush_cycles, prologue_cycles
from hw.tests.core.fill import job_frame
from hw.tests.simulate import drive, plain, simulate

SMALL = {"weight_words": 64, "index_words": 32, "channel_words": 16, "tap_words": 16}
CONFIGS = {
    "m4": small_core(2, 2, 2, 4, tile_depth=4, **SMALL),
    "m2": small_core(4, 4, 4, 2, tile_depth=2, drain_cols=2, **SMALL),
    "wide": small_core(8, 32, 1, 8, tile_depth=2, load_rows=4, drain_cols=16, **SMALL),
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
            self.beats.append(
                beat | plain(ctx.get(sequencer.read)) | {"is_inside": ctx.get(sequencer.is_inside)}
            )
        drain = plain(ctx.get(sequencer.drain))
        if drain["valid"]:
            self.drains.append(drain)
        if ctx.get(sequencer.load):
            self.loads.append(self.cycles)


async def run(
    ctx: Any,
    sequencer: Sequencer,
    job: RandomJob,
    windows: list[dict[str, Any]],
) -> Recording:
    """Run a job; stubs stand for the decoder, which is always ahead, and for the output path."""
    recording, queue = Recording(), list(windows)
    job_ends_at = None
    drive(ctx, sequencer, {"job": job_frame(job, sequencer.job), "written": 0})
    await ctx.tick()
    drive(ctx, sequencer, {"start": 1})
    await ctx.tick()
    drive(ctx, sequencer, {"start": 0})
    running = True
    while running:
        assert recording.cycles < 20_000
        running = not ctx.get(sequencer.done)
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


def expected_beats(job: RandomJob) -> list[dict[str, int]]:
    """All beats of a job in order; only the fields that mean something in them."""
    config, v, beats, tile, row_tile = job.config, job.fields, [], 0, 0
    parts = config.word_channels // config.rows
    for number, window in enumerate(decoded_windows(job)):
        depths = v["depth_last"] if window["last_pixels"] else v["depth_full"]
        first_pixel = tile % v["pixel_tiles"] * v["depth_full"] * config.cols
        plane, part = divmod(v["out_part"] + row_tile, parts)
        place, ring = {"bank": tile % 2, "slot": row_tile % 16}, window["ring"]
        for depth in range(depths):
            pool = {"mac": 0, "residual": 1, "maximum": 1, "part": part}
            beat = pool if v["max_pool"] else {"mac": 1, "residual": 0, "maximum": 0}
            beat |= {"depth": depth, "buffer": number % 2, **place}
            read = {"en": 1, "row": ring["row"], "next_row": ring["next_row"], "rotation": window["rotation"]}
            covered = inside(config, window, first_pixel + depth * config.cols, v["pitch"])
            first = {"n": 0, "fetch": 1, "first": window["first"], "is_inside": covered, **read}
            beats += [
                beat | (first if n == 0 else {"n": n, "fetch": 0, "first": 0, "en": 0}) for n in range(v["n"])
            ]
            ring = step(ring, config.bank_depth)
        if window["last"] and v["residual"]:
            position = (v["res_start"] + first_pixel) % (v["res_ring"] * config.cols)
            base = v["res_base"] + plane * v["res_plane"]
            ring = ring_rows(position, base, v["res_ring"], config.cols, config.bank_depth)
            for depth in range(depths):
                beat = {"mac": 0, "residual": 1, "maximum": 0, "fetch": 1, "depth": depth, "part": part}
                read = {"en": 1, "row": ring["row"], "next_row": ring["next_row"]}
                read |= {"rotation": position % config.cols, "is_inside": (1 << config.cols) - 1}
                beats.append(beat | read | {"bank": tile % 2})
                ring = step(ring, config.bank_depth)
        tile += window["last"]
        row_tile += window["last"] and window["last_pixels"]
    return beats


def step(ring: dict[str, int], depth: int) -> dict[str, int]:
    """The ring's walk one row further, in a memory of ``depth`` rows."""
    behind = ring["base"] if ring["next_row"] == ring["last"] else (ring["next_row"] + 1) % depth
    return ring | {"row": ring["next_row"], "next_row": behind}


def inside(config: CoreConfig, window: dict[str, int], pixel: int, pitch: int) -> int:
    """Bit mask of the columns whose pixel lies in the window's tap range."""
    y, x = np.divmod(pixel + np.arange(config.cols), pitch)
    mask = (window["y_low"] <= y) & (y < window["y_high"]) & (window["x_low"] <= x) & (x < window["x_high"])
    return sum(1 << col for col in np.flatnonzero(mask).tolist())


def expected_drains(job: RandomJob) -> list[dict[str, int]]:
    """All drain commands of a job in order."""
    config, v, drains = job.config, job.fields, []
    pixels = 1 if v["out_phased"] else config.drain_cols
    for row_tile in range(v["row_tiles"]):
        for pixel_tile in range(v["pixel_tiles"]):
            last_pixels = pixel_tile == v["pixel_tiles"] - 1
            depths = v["depth_last"] if last_pixels else v["depth_full"]
            for pixel in range(0, depths * config.cols, pixels):
                ends = last_pixels and pixel == depths * config.cols - pixels
                drains.append(
                    {
                        "valid": 1,
                        "bank": (row_tile * v["pixel_tiles"] + pixel_tile) % 2,
                        "depth": pixel // config.cols,
                        "col": pixel % config.cols,
                        "slot": row_tile % 16,
                        "row_tile_end": int(ends),
                        "job_end": int(ends and row_tile == v["row_tiles"] - 1),
                    }
                )
    return drains


def assert_schedule(job: RandomJob, recording: Recording) -> None:
    """The recording is that of ``job``; counted cycles are the model's."""
    expected = expected_beats(job)
    assert len(recording.beats) == len(expected)
    for number, (beat, fields) in enumerate(zip(recording.beats, expected, strict=True)):
        assert {name: beat[name] for name in fields} == fields, f"beat {number}"
    assert recording.drains == expected_drains(job)
    assert recording.windows_taken == len(recording.loads) == len(list(decoded_windows(job)))
    assert recording.loads[0] == prologue_cycles(job.config) - 2
    assert recording.counters == job.cycles()
    # The cycle of `start` is the job's first.
    assert recording.cycles == recording.counters.total - 1
    assert recording.starved == 0


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_random_jobs_follow_the_schedule_and_the_cycle_model(config: CoreConfig):
    sequencer = Sequencer(config)

    async def bench(ctx: Any) -> None:
        rng = np.random.default_rng(21)
        for _ in range(12):
            job = random_job(rng, config)
            assert_schedule(job, await run(ctx, sequencer, job, list(decoded_windows(job))))

    simulate(sequencer, bench)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_flush_ends_when_the_last_output_is_written(config: CoreConfig):
    """One register holds the drain command, one starts the drain; then the counters settle."""
    assert flush_cycles(config) == written_latency(config) + 2


def test_starved_sticks_until_the_next_start():
    config = CONFIGS["m4"]
    sequencer = Sequencer(config)
    only = {"first": 1, "last": 1, "first_pixels": 1, "last_pixels": 1, "last_rows": 1}
    rng = np.random.default_rng(0)
    job = next(job for _ in range(500) if len(list(decoded_windows(job := random_job(rng, config)))) == 1)

    async def bench(ctx: Any) -> None:
        ctx.set(sequencer.i.payload, only)
        starved = await run(ctx, sequencer, job, [])
        assert starved.starved == 1
        await ctx.tick().repeat(5)
        assert ctx.get(sequencer.starved) == 1
        fed = await run(ctx, sequencer, job, list(decoded_windows(job)))
        assert fed.starved == 0

    simulate(sequencer, bench)
