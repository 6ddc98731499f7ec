"""The output grid against ``divmod``."""

from typing import Any

import numpy as np
import pytest

from crisp_golden.stimuli.random_jobs import RandomJob, random_job
from crisp_golden.stimuli.small_cores import small_core
from crisp_hw.core.outputs.output_grid import OutputGrid
from crisp_spec.config import CoreConfig
from hw.tests.core.fill import job_frame
from hw.tests.simulate import drive, simulate

SMALL = {"smem_words": 256, "weight_words": 64, "index_words": 32, "channel_words": 16, "tap_words": 16}
CONFIGS = {
    "one_pixel": small_core(2, 2, 2, 4, **SMALL),
    "four_pixels": small_core(2, 4, 2, 4, drain_cols=4, **SMALL),
}


def expected(job: RandomJob, pixel: int) -> tuple[int, int | None, int]:
    """(exists, position, phase) when ``pixel`` is the current one; no position if it is dropped."""
    v = job.fields
    count = 1 if v["out_phased"] else job.config.drain_cols
    exists = 0
    for place in range(count):
        y, x = divmod(pixel + place, v["pitch"])
        exists |= (x < v["out_width"] and y < v["out_height"]) << place
    y, x = divmod(pixel, v["pitch"])
    y += v["out_odd_row"]
    if not v["out_phased"]:
        return exists, (v["out_start"] + pixel) % (v["out_ring"] * job.config.cols), 0
    position = v["out_start"] + y // 2 * v["out_pitch"] + x // 2
    return exists, position % (v["out_ring"] * job.config.cols) if exists else None, 2 * (y % 2) + x % 2


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("phased", [0, 1])
def test_pixels_of_random_jobs_have_their_coordinates_and_places(config: CoreConfig, phased: int):
    grid = OutputGrid(config)

    async def bench(ctx: Any) -> None:
        rng = np.random.default_rng(2)
        for _ in range(25):
            job = random_job(rng, config, out_phased=phased)
            drive(ctx, grid, {"job": job_frame(job, grid.job), "start": 1})
            await ctx.tick()
            drive(ctx, grid, {"start": 0})
            await ctx.tick().repeat(config.drain_cols + 3)
            await walk(ctx, grid, job, rng)

    simulate(grid, bench)


async def walk(ctx: Any, grid: OutputGrid, job: RandomJob, rng: np.random.Generator) -> None:
    """Two row tiles with random pauses."""
    v = job.fields
    count = 1 if v["out_phased"] else job.config.drain_cols
    pixels = ((v["pixel_tiles"] - 1) * v["depth_full"] + v["depth_last"]) * job.config.cols
    for _ in range(2):
        for pixel in range(0, pixels, count):
            exists, position, phase = expected(job, pixel)
            assert ctx.get(grid.exists) == exists, f"pixel {pixel} of {v}"
            if position is not None:
                assert ctx.get(grid.phase) == phase, f"pixel {pixel}"
            while rng.random() < 0.3:
                await ctx.tick()
            drive(ctx, grid, {"advance": 1, "restart": int(pixel + count == pixels)})
            await ctx.tick()
            if position is not None:
                assert ctx.get(grid.position) == position, f"pixel {pixel}"
            drive(ctx, grid, {"advance": 0})
