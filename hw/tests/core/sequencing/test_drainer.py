"""The drainer: all pixels of a tile in order, tiles without a gap, and when the next job may be started."""

from typing import Any

import pytest

from crisp_golden.stimuli.small_cores import small_core
from crisp_hw.core.sequencing.drainer import Drainer
from crisp_spec.latencies import release_cycles
from hw.tests.simulate import drive, plain, simulate

CONFIG = small_core(2, 4, 2, 4, tile_depth=4, drain_cols=2)
TILES = (
    {"last_pixels": 0, "last_rows": 1},
    {"last_pixels": 1, "last_rows": 0},
    {"last_pixels": 1, "last_rows": 1},
)
DEPTHS = {"depth_full": 3, "depth_last": 1}


def run(phased: int) -> tuple[list[tuple[int, dict[str, int]]], list[int], list[int]]:
    """Hand over ``TILES`` as soon as each is taken; return (cycle, command), and the cycles of starts and of
    ``released``.
    """
    drainer = Drainer(CONFIG)
    commands, starts, released = [], [], []

    async def bench(ctx: Any) -> None:
        drive(ctx, drainer, {"job": {**DEPTHS, "out_phased": phased}})
        await ctx.tick().repeat(2)
        for cycle in range(60):
            number = len(starts)
            takes = number < len(TILES) and ctx.get(drainer.free)
            drive(ctx, drainer, {"start": int(takes)})
            if takes:
                drive(ctx, drainer, {"tile": {"bank": number % 2, "slot": number + 3, **TILES[number]}})
                starts.append(cycle)
            command = plain(ctx.get(drainer.drain))
            if command["valid"]:
                commands.append((cycle, command))
            if ctx.get(drainer.released):
                released.append(cycle)
            await ctx.tick()

    simulate(drainer, bench)
    return commands, starts, released


@pytest.mark.parametrize("phased", [0, 1])
def test_tiles_are_drained_in_order_and_without_a_gap(phased: int):
    step, expected = 1 if phased else CONFIG.drain_cols, []
    for number, tile in enumerate(TILES):
        depth = DEPTHS["depth_last" if tile["last_pixels"] else "depth_full"]
        places = [(d, col) for d in range(depth) for col in range(0, CONFIG.cols, step)]
        for d, col in places:
            ends = (d, col) == places[-1]
            command = {"valid": 1, "bank": number % 2, "slot": number + 3, "depth": d, "col": col}
            command["row_tile_end"] = int(ends and tile["last_pixels"])
            command["job_end"] = int(ends and tile["last_pixels"] and tile["last_rows"])
            expected.append(command)
    commands, starts, released = run(phased)
    assert [command for _, command in commands] == expected
    first = starts[0] + 2
    assert [cycle for cycle, _ in commands] == list(range(first, first + len(expected)))
    # A command is decided a cycle before it is out.
    assert released == [commands[-1][0] - 1 + release_cycles(CONFIG)]
