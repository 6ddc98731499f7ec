"""The residual walker against positions in a ring."""

from typing import Any

import numpy as np

from crisp_golden.stimuli.small_cores import small_core
from crisp_hw.core.sequencing.residual_walker import ResidualWalker
from hw.tests.simulate import drive, plain, simulate

CONFIG = small_core(2, 4, 2, 4)
PARTS = CONFIG.word_channels // CONFIG.rows


def test_every_row_tile_begins_at_the_start_of_its_plane_and_walks_round_the_ring():
    walker = ResidualWalker(CONFIG)
    rng = np.random.default_rng(3)

    async def row_tile(ctx: Any, job: dict[str, int], number: int) -> None:
        plane, part = divmod(job["out_part"] + number, PARTS)
        base = job["res_base"] + plane * job["res_plane"]
        assert ctx.get(walker.part) == part
        for step in range(2 * job["res_ring"] + 1):
            row = job["res_start"] // CONFIG.cols + step
            ring = plain(ctx.get(walker.ring))
            assert ring["row"] == base + row % job["res_ring"], f"row tile {number}, step {step}"
            assert ring["next_row"] == base + (row + 1) % job["res_ring"], f"row tile {number}, step {step}"
            drive(ctx, walker, {"fetching": 1})
            await ctx.tick()
        drive(ctx, walker, {"fetching": 0})

    async def bench(ctx: Any) -> None:
        for _ in range(10):
            ring = int(rng.integers(1, 6))
            job = {
                "out_part": int(rng.integers(PARTS)),
                "res_base": int(rng.integers(20)),
                "res_plane": ring + int(rng.integers(3)),
                "res_ring": ring,
                "res_start": int(rng.integers(ring * CONFIG.cols)),
            }
            drive(ctx, walker, {"job": job})
            await ctx.tick().repeat(2)
            for number in range(2 * PARTS + 1):
                event = "row_tile_ends" if number else "start"
                drive(ctx, walker, {event: 1})
                await ctx.tick()
                drive(ctx, walker, {event: 0})
                await ctx.tick().repeat(2)
                await row_tile(ctx, job, number)

    simulate(walker, bench)
