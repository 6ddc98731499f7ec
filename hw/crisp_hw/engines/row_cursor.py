"""Where the rows of a tensor begin in a ring of the activation memory."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_hw.parts.field_layouts import fields_layout
from crisp_hw.parts.ring import add_modulo
from crisp_hw.parts.sharing import Shareable
from crisp_spec.commands import POSITION_BITS, STORE
from crisp_spec.config import CoreConfig

ROWS_LAYOUT = fields_layout(STORE, ("start", "pitch", "ring"))
"""First position, words per row, SMEM rows of the ring."""


class RowCursor(Shareable):
    """Position of the first pixel of the next row, two cycles after the row before it was begun.

    Members
    -------
    tensor : In(ROWS_LAYOUT), stable from one cycle before ``restart`` on.
    again : In(1), the first row follows this one.
    stay : In(1), the next row begins where this one does.
    restart : In(1), go to the first row.
    advance : In(1), go to the next row, allowed while ``settled``.
    following : Out(20), position of the next row.
    settled : Out(1), ``following`` is right; a register, from the third cycle of a row on.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "tensor": In(ROWS_LAYOUT),
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
        tensor, position, age = self.tensor, Signal(POSITION_BITS), Signal(2)
        pitch_less_ring = Signal(signed(POSITION_BITS + 1), reset_less=True)
        words = tensor.ring << ceil_log2(self.config.cols)
        after = add_modulo(position, tensor.pitch, pitch_less_ring)
        m.d.comb += self.settled.eq(age[1])
        m.d.sync += [
            pitch_less_ring.eq(tensor.pitch - words),
            self.following.eq(Mux(self.again, tensor.start, Mux(self.stay, position, after))),
            age.eq(Mux(age[1], age, age + 1)),
        ]
        with m.If(self.restart):
            m.d.sync += [position.eq(tensor.start), age.eq(0)]
        with m.Elif(self.advance):
            m.d.sync += [position.eq(self.following), age.eq(0)]
        return m
