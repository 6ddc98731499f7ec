"""The plane walker against ``divmod``."""

from typing import Any

import numpy as np
import pytest

from crisp_golden.stimuli.small_cores import small_core
from crisp_hw.core.plane_walker import PlaneWalker
from crisp_spec.config import CoreConfig
from hw.tests.simulate import drive, simulate

CONFIGS = {"one_part": small_core(8, 2, 2, 4), "four_parts": small_core(2, 2, 2, 4)}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_base_and_part_follow_the_row_tiles_from_any_part(config: CoreConfig):
    walker, parts = PlaneWalker(config), config.word_channels // config.rows

    async def bench(ctx: Any) -> None:
        rng = np.random.default_rng(1)
        for first_part in range(parts):
            base, plane = rng.integers(config.bank_depth, size=2).tolist()
            drive(ctx, walker, {"first_base": base, "plane": plane, "first_part": first_part, "start": 1})
            await ctx.tick()
            drive(ctx, walker, {"start": 0})
            for tile in range(12):
                number, part = divmod(first_part + tile, parts)
                assert ctx.get(walker.base) == (base + number * plane) % config.bank_depth
                assert ctx.get(walker.part) == part
                await ctx.tick()
                drive(ctx, walker, {"advance": 1})
                await ctx.tick()
                drive(ctx, walker, {"advance": 0})

    simulate(walker, bench)
