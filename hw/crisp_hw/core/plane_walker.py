"""Walks over the planes of a tensor, row tile by row tile."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_hw.core.payloads import row_bits
from crisp_hw.parts.sharing import Shareable
from crisp_spec.commands import EXECUTE
from crisp_spec.config import CoreConfig

PART_BITS = next(field.bits for field in EXECUTE if field.name == "out_part")


class PlaneWalker(Shareable):
    """First SMEM row of the current row tile's plane, and the row tile's part of the plane's words.

    A plane holds ``word_channels / rows`` row tiles. Outputs change in the cycle after ``start`` or
    ``advance``.

    Members
    -------
    first_base, plane : In, SMEM row of the first plane, and rows from one plane to the next.
    first_part : In, the first row tile's part.
    start : In(1), go to the first row tile; advance : In(1), to the next, at least two cycles later.
    base, part : Out.
    """

    def __init__(self, config: CoreConfig):
        self.parts = config.word_channels // config.rows
        rows = row_bits(config)
        super().__init__(
            {
                "first_base": In(rows),
                "plane": In(rows),
                "first_part": In(PART_BITS),
                "start": In(1),
                "advance": In(1),
                "base": Out(rows),
                "part": Out(max(1, ceil_log2(self.parts))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        following = Signal.like(self.base)
        last_part = Signal()
        m.d.comb += last_part.eq(self.part == self.parts - 1)
        m.d.sync += following.eq(self.base + Mux(last_part, self.plane, 0))
        with m.If(self.start):
            m.d.sync += [self.base.eq(self.first_base), self.part.eq(self.first_part)]
        with m.Elif(self.advance):
            m.d.sync += [self.base.eq(following), self.part.eq(Mux(last_part, 0, self.part + 1))]
        return m
