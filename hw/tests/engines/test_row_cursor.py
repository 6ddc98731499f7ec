"""Row cursor: positions of rows in a ring, from the third cycle of a row on."""

from random import Random
from typing import Any

import pytest

from crisp_hw.engines.row_cursor import RowCursor
from hw.tests.engines.tensors import CONFIGS
from hw.tests.simulate import drive, simulate


@pytest.mark.parametrize("name", CONFIGS)
def test_rows_follow_each_other_round_the_ring(name):
    config, rng = CONFIGS[name], Random(name)
    cursor = RowCursor(config)

    async def follow(ctx: Any, start: int, pitch: int, ring: int) -> None:
        drive(ctx, cursor, {"tensor": {"start": start, "pitch": pitch, "ring": ring}, "advance": 0})
        await ctx.tick()
        drive(ctx, cursor, {"restart": 1})
        await ctx.tick()
        drive(ctx, cursor, {"restart": 0})
        position = start
        for _ in range(20):
            again, stay = rng.random() < 0.2, rng.random() < 0.2
            drive(ctx, cursor, {"again": again, "stay": stay, "advance": 0})
            for _ in range(2):
                assert not ctx.get(cursor.settled)
                await ctx.tick()
            assert ctx.get(cursor.settled)
            position = start if again else position if stay else (position + pitch) % (ring * config.cols)
            assert ctx.get(cursor.following) == position
            drive(ctx, cursor, {"advance": 1})
            await ctx.tick()

    async def bench(ctx: Any) -> None:
        for _ in range(30):
            ring = rng.choice([1, 2, 7, rng.randint(1, 1 << 16), 1 << 16 - 1])
            ring = min(ring, (1 << 16) - 1, (1 << 20) // config.cols)
            words = ring * config.cols
            await follow(ctx, rng.randrange(words), rng.randint(1, min(words, 1023)), ring)

    simulate(cursor, bench)
