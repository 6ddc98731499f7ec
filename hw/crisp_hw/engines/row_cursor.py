"""Where the rows of a tensor begin in a ring of the activation memory."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_hw.parts.field_layouts import fields_layout
from crisp_hw.parts.sharing import Shareable
from crisp_spec.commands import POSITION_BITS, STORE
from crisp_spec.config import CoreConfig

ROWS_LAYOUT = fields_layout(STORE, ("start", "pitch", "ring"))
"""First position, words per row, SMEM rows of the ring."""


class RowCursor(Shareable):
    """Position of the first pixel of the next row, two cycles after the row before it was begun.

    ``parts.ring.add_modulo`` takes the same step within a cycle, for which it needs a third adder. A row has
    three cycles at least, so here the sum comes first, and then one subtraction compares it with the ring and
    wraps it.

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
        tensor = self.tensor
        position = Signal(POSITION_BITS)
        age = Signal(2)
        words = Signal(POSITION_BITS + 1)
        total = Signal(POSITION_BITS + 1)
        wrapped = Signal(POSITION_BITS)
        m.d.comb += [
            words.eq(tensor.ring << ceil_log2(self.config.cols)),
            wrapped.eq(Mux(total >= words, total - words, total)),
            self.settled.eq(age[1]),
        ]
        m.d.sync += [
            total.eq(position + tensor.pitch),
            self.following.eq(Mux(self.again, tensor.start, Mux(self.stay, position, wrapped))),
            age.eq(Mux(age[1], age, age + 1)),
        ]
        with m.If(self.restart):
            m.d.sync += [position.eq(tensor.start), age.eq(0)]
        with m.Elif(self.advance):
            m.d.sync += [position.eq(self.following), age.eq(0)]
        return m
