"""Steps along rings, against arithmetic."""

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from crisp_hw.parts.ring import add_modulo, next_row, phase_rows
from hw.tests.simulate import drive, plain, simulate

BITS = 6
ROWS = data.StructLayout(dict.fromkeys(("row", "next_row", "base", "last"), BITS))


class Ring(wiring.Component):
    """All steps at once."""

    def __init__(self):
        super().__init__(
            {
                "value": In(BITS),
                "step": In(BITS + 1),
                "step_less_size": In(signed(BITS + 2)),
                "sum": Out(BITS),
                "ring": In(BITS + 2),
                "phase": In(2),
                "phase_row": Out(BITS),
                "set": In(1),
                "rows": In(ROWS),
                "walk": Out(ROWS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [
            self.sum.eq(add_modulo(self.value, self.step, self.step_less_size)),
            self.phase_row.eq(phase_rows(m, self.ring, self.phase, BITS)),
        ]
        next_row(m, self.walk)
        with m.If(self.set):
            m.d.sync += self.walk.eq(self.rows)
        return m


def test_a_sum_is_taken_modulo_the_size():
    ring = Ring()
    rng = np.random.default_rng(1)

    async def bench(ctx: Any) -> None:
        for _ in range(200):
            size = int(rng.integers(1, 1 << BITS))
            value, step = int(rng.integers(size)), int(rng.integers(size + 1))
            drive(ctx, ring, {"value": value, "step": step})
            ctx.set(ring.step_less_size, step - size)
            assert ctx.get(ring.sum) == (value + step) % size

    simulate(ring, bench)


def test_the_rings_of_a_plane_follow_each_other_modulo_the_memory():
    ring = Ring()

    async def bench(ctx: Any) -> None:
        for rows in (1, 5, 16, 63, 64, 200):
            drive(ctx, ring, {"ring": rows})
            await ctx.tick()
            for phase in range(4):
                drive(ctx, ring, {"phase": phase})
                assert ctx.get(ring.phase_row) == phase * rows % (1 << BITS)

    simulate(ring, bench)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_a_walk_goes_round_the_ring(rows: int):
    ring, base = Ring(), 7

    async def bench(ctx: Any) -> None:
        start = {"row": base, "next_row": base + 1 % rows, "base": base, "last": base + rows - 1}
        drive(ctx, ring, {"rows": start, "set": 1})
        await ctx.tick()
        drive(ctx, ring, {"set": 0})
        for step in range(3 * rows):
            walk = plain(ctx.get(ring.walk))
            assert (walk["row"], walk["next_row"]) == (base + step % rows, base + (step + 1) % rows)
            await ctx.tick()

    simulate(ring, bench)
