"""Where the rows of a tensor begin in a ring of the activation memory."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_hw.parts.sharing import Shareable
from crisp_spec.commands import COORDINATE_BITS, POSITION_BITS, ROW_BITS
from crisp_spec.config import CoreConfig


class RowCursor(Shareable):
    """Position of the first pixel of the next row, two cycles after the row before it was begun.

    Members
    -------
    start, pitch, ring : In, as in the command: first position, words per row, SMEM rows of the ring.
    again : In(1), the first row follows this one; stay : In(1), the next begins where this one does.
    restart : In(1), go to the first row; advance : In(1), to the next, allowed while ``settled``.
    following : Out(20), position of the next row.
    settled : Out(1), ``following`` is right.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "start": In(POSITION_BITS),
                "pitch": In(COORDINATE_BITS),
                "ring": In(ROW_BITS),
                "again": In(1),
                "stay": In(1),
                "restart": In(1),
                "advance": In(1),
                "following": Out(POSITION_BITS),
                "settled": Out(1),
            }
        )

    @property
    def module_name(self) -> str:
        """Name that tells the number of banks."""
        return f"row_cursor_{self.config.cols}"

    def elaborate(self, platform):
        m = Module()
        words = Signal(POSITION_BITS + 1)
        position, total, wrapped = Signal(POSITION_BITS), Signal(POSITION_BITS + 1), Signal(POSITION_BITS)
        age = Signal(2)
        m.d.comb += [
            words.eq(self.ring << ceil_log2(self.config.cols)),
            wrapped.eq(Mux(total >= words, total - words, total)),
            self.settled.eq(age[1]),
        ]
        m.d.sync += [
            total.eq(position + self.pitch),
            self.following.eq(Mux(self.again, self.start, Mux(self.stay, position, wrapped))),
            age.eq(Mux(age[1], age, age + 1)),
        ]
        with m.If(self.restart):
            m.d.sync += [position.eq(self.start), age.eq(0)]
        with m.Elif(self.advance):
            m.d.sync += [position.eq(self.following), age.eq(0)]
        return m
