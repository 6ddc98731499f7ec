"""Walks the array's columns over the pixel grid and tells which of them lie inside a tap's range."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from crisp_hw.core.job import job_layout
from crisp_hw.parts.sharing import Shareable
from crisp_spec.commands import COORDINATE_BITS
from crisp_spec.config import CoreConfig

PIXEL_LAYOUT = data.StructLayout({"x": COORDINATE_BITS, "y": COORDINATE_BITS})


class PixelWalker(Shareable):
    """Coordinates of the pixels in the columns; pixels are numbered row by row with ``pitch`` per row.

    After ``start`` each column finds its first pixel, which takes ``cols + 1`` cycles. ``advance`` moves
    all columns to the next group of ``cols`` pixels. ``rewind`` moves them back to where the current tile
    began; together with ``next_tile`` the group reached becomes the beginning of the next tile, and with
    ``restart`` the first pixel does.

    Members
    -------
    job : In, the fields that it reads.
    start, advance, rewind, next_tile, restart : In(1).
    y_low, y_high, x_low, x_high : In(10), the tap's range, half-open.
    is_inside : Out(cols), without latency.
    """

    job_fields = ("pitch", "step_x", "step_y")

    def __init__(self, config: CoreConfig):
        self.config = config
        c = COORDINATE_BITS
        super().__init__(
            {
                "job": In(job_layout(self.job_fields)),
                **{name: In(1) for name in ("start", "advance", "rewind", "next_tile", "restart")},
                **{name: In(c) for name in ("y_low", "y_high", "x_low", "x_high")},
                "is_inside": Out(config.cols),
            }
        )

    def elaborate(self, platform):
        m = Module()
        cols = self.config.cols
        # Constants of a job, kept in registers so that a step is one addition deep.
        wrap_x = Signal(signed(COORDINATE_BITS + 1))
        pitch_last = Signal(COORDINATE_BITS)
        wrap_y = Signal(COORDINATE_BITS)
        m.d.sync += [
            wrap_x.eq(self.job.step_x - self.job.pitch),
            wrap_y.eq(self.job.step_y + 1),
            pitch_last.eq(self.job.pitch - 1),
        ]
        seed = Signal(PIXEL_LAYOUT)
        pending = Signal(cols)
        m.d.sync += pending.eq(pending << 1)
        with m.If(seed.x == pitch_last):
            m.d.sync += [seed.x.eq(0), seed.y.eq(seed.y + 1)]
        with m.Else():
            m.d.sync += seed.x.eq(seed.x + 1)
        with m.If(self.start):
            m.d.sync += [seed.eq(0), pending.eq(1)]
        for col in range(cols):
            self._column(m, col, seed, pending[col], wrap_x, wrap_y)
        return m

    def _column(self, m: Module, col: int, seed, seeded, wrap_x, wrap_y) -> None:
        origin = Signal(PIXEL_LAYOUT, name=f"origin_{col}")
        tile = Signal(PIXEL_LAYOUT, name=f"tile_{col}")
        current = Signal(PIXEL_LAYOUT, name=f"current_{col}")
        after = Signal(PIXEL_LAYOUT, name=f"after_{col}")
        wrapped_x = Signal(signed(COORDINATE_BITS + 2), name=f"wrapped_x_{col}")
        wraps = Signal(name=f"wraps_{col}")
        m.d.comb += [
            wrapped_x.eq(current.x + wrap_x),
            wraps.eq(wrapped_x >= 0),
            after.eq(current),
            self.is_inside[col].eq(
                (current.y >= self.y_low)
                & (current.y < self.y_high)
                & (current.x >= self.x_low)
                & (current.x < self.x_high)
            ),
        ]
        with m.If(self.advance):
            m.d.comb += [
                after.x.eq(Mux(wraps, wrapped_x, current.x + self.job.step_x)),
                after.y.eq(Mux(wraps, current.y + wrap_y, current.y + self.job.step_y)),
            ]
        begin = Mux(self.restart, Cat(origin), Mux(self.next_tile, Cat(after), Cat(tile)))
        with m.If(seeded):
            m.d.sync += [origin.eq(seed), tile.eq(seed), current.eq(seed)]
        with m.Elif(self.rewind):
            m.d.sync += [tile.eq(begin), current.eq(begin)]
        with m.Else():
            m.d.sync += current.eq(after)
