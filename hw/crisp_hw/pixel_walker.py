"""Walks the array's columns over the pixel grid and tells which of them lie inside a tap's range."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from crisp_golden.config import CoreConfig
from crisp_golden.job import COORDINATE_BITS

PIXEL_LAYOUT = data.StructLayout({"x": COORDINATE_BITS, "y": COORDINATE_BITS})


class PixelWalker(wiring.Component):
    """Coordinates of the pixels in the columns; pixels are numbered row by row with ``pitch`` per row.

    After ``start`` each column finds its first pixel, which takes ``cols + 1`` cycles. ``advance`` moves
    all columns to the next group of ``cols`` pixels. ``rewind`` moves them back to where the current tile
    began; together with ``next_tile`` the group reached becomes the beginning of the next tile, and with
    ``restart`` the first pixel does.

    Members
    -------
    pitch, step_x, step_y : In(10), pixels per row, ``cols mod pitch`` and ``cols div pitch``.
    start, advance, rewind, next_tile, restart : In(1).
    y_low, y_high, x_low, x_high : In(10), the tap's range, half-open.
    inside : Out(cols), without latency.
    """

    module_name = "pixel_walker"

    def __init__(self, config: CoreConfig):
        self.config = config
        c = COORDINATE_BITS
        super().__init__(
            {
                **{name: In(c) for name in ("pitch", "step_x", "step_y")},
                **{name: In(1) for name in ("start", "advance", "rewind", "next_tile", "restart")},
                **{name: In(c) for name in ("y_low", "y_high", "x_low", "x_high")},
                "inside": Out(config.cols),
            }
        )

    def elaborate(self, platform):
        m = Module()
        cols = self.config.cols
        seed = Signal(PIXEL_LAYOUT)
        pending = Signal(cols)
        m.d.sync += pending.eq(pending << 1)
        with m.If(seed.x == self.pitch - 1):
            m.d.sync += [seed.x.eq(0), seed.y.eq(seed.y + 1)]
        with m.Else():
            m.d.sync += seed.x.eq(seed.x + 1)
        with m.If(self.start):
            m.d.sync += [seed.eq(0), pending.eq(1)]
        for col in range(cols):
            self._column(m, col, seed, pending[col])
        return m

    def _column(self, m: Module, col: int, seed, seeded) -> None:
        origin = Signal(PIXEL_LAYOUT, name=f"origin_{col}")
        tile = Signal(PIXEL_LAYOUT, name=f"tile_{col}")
        current = Signal(PIXEL_LAYOUT, name=f"current_{col}")
        after = Signal(PIXEL_LAYOUT, name=f"after_{col}")
        x = Signal(COORDINATE_BITS + 1, name=f"x_{col}")
        wraps = Signal(name=f"wraps_{col}")
        m.d.comb += [
            x.eq(current.x + self.step_x),
            wraps.eq(x >= self.pitch),
            after.eq(current),
            self.inside[col].eq(
                (current.y >= self.y_low)
                & (current.y < self.y_high)
                & (current.x >= self.x_low)
                & (current.x < self.x_high)
            ),
        ]
        with m.If(self.advance):
            m.d.comb += [
                after.x.eq(Mux(wraps, x - self.pitch, x)),
                after.y.eq(current.y + self.step_y + wraps),
            ]
        begin = Mux(self.restart, Cat(origin), Mux(self.next_tile, Cat(after), Cat(tile)))
        with m.If(seeded):
            m.d.sync += [origin.eq(seed), tile.eq(seed), current.eq(seed)]
        with m.Elif(self.rewind):
            m.d.sync += [tile.eq(begin), current.eq(begin)]
        with m.Else():
            m.d.sync += current.eq(after)
