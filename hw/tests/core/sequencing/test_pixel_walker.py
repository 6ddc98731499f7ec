"""The pixel walker against ``divmod``."""

from typing import Any

import numpy as np
import pytest

from crisp_golden.stimuli.small_cores import small_core
from crisp_hw.core.sequencing.pixel_walker import PixelWalker
from crisp_spec.config import CoreConfig
from hw.tests.simulate import simulate

CONFIGS = {"cols_2": small_core(2, 2, 2, 4), "cols_8": small_core(2, 8, 2, 4)}
STEPS = 150


class WalkerModel:
    """Numbers of the first pixel of the current group and of the current tile."""

    def __init__(self, cols: int):
        self.cols = cols
        self.tile = self.current = 0

    def step(self, advance: bool, rewind: bool, next_tile: bool, restart: bool) -> None:
        after = self.current + self.cols * advance
        if rewind:
            self.tile = 0 if restart else after if next_tile else self.tile
            self.current = self.tile
        else:
            self.current = after

    def inside(self, pitch: int, limits: dict[str, int]) -> int:
        """Bit mask of the columns in range."""
        y, x = np.divmod(self.current + np.arange(self.cols), pitch)
        mask = (
            (limits["y_low"] <= y) & (y < limits["y_high"]) & (limits["x_low"] <= x) & (x < limits["x_high"])
        )
        return int((mask << np.arange(self.cols)).sum())


def random_limits(rng: np.random.Generator, pixel: int, pitch: int) -> dict[str, int]:
    """A range of a few pixels round a given one, so that every coordinate matters."""
    y, x = divmod(pixel, pitch)
    low, high = rng.integers(0, 2, 2).tolist(), rng.integers(0, 3, 2).tolist()
    return {
        "y_low": max(0, y - low[0]),
        "y_high": y + high[0],
        "x_low": max(0, x - low[1]),
        "x_high": x + high[1],
    }


async def walk(ctx: Any, walker: PixelWalker, pitch: int, rng: np.random.Generator) -> None:
    """Start, then compare ``is_inside`` in every cycle of a random walk."""
    cols = walker.config.cols
    ctx.set(walker.job, {"pitch": pitch, "step_x": cols % pitch, "step_y": cols // pitch})
    for name in ("advance", "rewind"):
        ctx.set(getattr(walker, name), 0)
    ctx.set(walker.start, 1)
    await ctx.tick()
    ctx.set(walker.start, 0)
    await ctx.tick().repeat(cols + 1)
    model = WalkerModel(cols)
    for step in range(STEPS):
        advance, rewind = bool(rng.random() < 0.7), bool(rng.random() < 0.15)
        next_tile, restart = bool(rng.random() < 0.6), bool(rng.random() < 0.2)
        limits = random_limits(rng, model.current + int(rng.integers(cols)), pitch)
        flags = {"advance": advance, "rewind": rewind, "next_tile": next_tile, "restart": restart}
        for name, value in {**limits, **flags}.items():
            ctx.set(getattr(walker, name), int(value))
        assert ctx.get(walker.is_inside) == model.inside(pitch, limits), f"pitch {pitch}, step {step}"
        model.step(**flags)
        await ctx.tick()


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_columns_are_inside_exactly_when_their_coordinates_are(config: CoreConfig):
    walker = PixelWalker(config)

    async def bench(ctx: Any) -> None:
        rng = np.random.default_rng(7)
        for pitch in (1, 2, 3, 5, 7, 8, 9, 14, 28, 1023):
            await walk(ctx, walker, pitch, rng)

    simulate(walker, bench)
