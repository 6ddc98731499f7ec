"""Which groups of pixels a store reads from the activation memory."""

from amaranth.hdl import Module, Mux, ResetSignal, Signal
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from crisp_hw.bus.bursts import stream_of
from crisp_hw.core.payloads import bank_bits, row_bits
from crisp_hw.engines.row_cursor import RowCursor
from crisp_hw.parts.credit_counter import CreditCounter
from crisp_hw.parts.field_layouts import fields_layout, same_fields
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.commands import COORDINATE_BITS, POSITION_BITS, ROW_BITS, ROW_TILE_BITS, STORE
from crisp_spec.config import CoreConfig

STORED_TENSOR_LAYOUT = fields_layout(STORE, ("base", "plane", "ring", "start", "rows", "width", "pitch"))
"""What a store says of the place that it reads."""


def group_layout(config: CoreConfig) -> data.StructLayout:
    """``pixels`` consecutive pixels, at most ``cols``, and where the core has to read them."""
    return data.StructLayout(
        {
            "row": row_bits(config),
            "next_row": row_bits(config),
            "rotation": bank_bits(config),
            "pixels": range(config.cols + 1),
        }
    )


class StoreWalker(Shareable):
    """Emits the groups of the planes that were approved, one per cycle, image row by image row.

    Every image row begins a group of its own and takes at least three cycles. The first group is offered two
    cycles after ``approved``.

    Members
    -------
    tensor : In(STORED_TENSOR_LAYOUT), stable from one cycle before ``restart`` on.
    restart : In(1), go to the first group; at the start of the store.
    approved : In(1), one more plane may be read.
    o : Out, stream of ``group_layout``.
    idle : Out(1), all approved planes have been read.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "tensor": In(STORED_TENSOR_LAYOUT),
                "restart": In(1),
                "approved": In(1),
                "o": Out(stream_of(group_layout(config))),
                "idle": Out(1),
            }
        )

    @property
    def module_name(self) -> str:
        """Name that tells the number of banks."""
        return f"store_walker_{self.config.cols}"

    def elaborate(self, platform):
        m = Module()
        tensor, cols = self.tensor, self.config.cols
        cursor = RowCursor(self.config)
        m.submodules.cursor = shared(platform, cursor)
        moves = Signal()
        row_ends = Signal()
        plane_ends = Signal()
        planes = CreditCounter((1 << ROW_TILE_BITS) - 1)
        # A soft reset may come while some wait, and a walker without them must be idle.
        m.submodules.planes = shared(platform, planes, self.restart | ResetSignal())
        some = planes.available
        columns_left, last_group, last_row = self._count(m, moves, row_ends, plane_ends)
        m.d.comb += [
            *same_fields(cursor.tensor, tensor),
            planes.give.eq(self.approved),
            planes.take.eq(plane_ends),
            moves.eq(some & (~self.o.valid | self.o.ready) & (~last_group | cursor.settled)),
            row_ends.eq(moves & last_group),
            plane_ends.eq(row_ends & last_row),
            cursor.again.eq(last_row),
            cursor.restart.eq(self.restart),
            cursor.advance.eq(row_ends),
            self.idle.eq(~some & ~self.o.valid),
        ]
        self._emit(m, cursor, moves, row_ends, plane_ends, Mux(last_group, columns_left, cols))
        return m

    def _count(self, m: Module, moves, row_ends, plane_ends) -> tuple[Signal, Signal, Signal]:
        """Count pixels and rows; returns the pixels left in the row, whether they are the last group, and
        whether the row is the last.
        """
        tensor, cols = self.tensor, self.config.cols
        last_group = Signal()
        last_row = Signal()
        one_group = Signal()
        one_row = Signal()
        columns_left = Signal(COORDINATE_BITS)
        rows_left = Signal(COORDINATE_BITS)
        m.d.sync += [one_group.eq(tensor.width <= cols), one_row.eq(tensor.rows == 1)]
        with m.If(self.restart | row_ends):
            m.d.sync += [columns_left.eq(tensor.width), last_group.eq(one_group)]
        with m.Elif(moves):
            m.d.sync += [columns_left.eq(columns_left - cols), last_group.eq(columns_left <= 2 * cols)]
        with m.If(self.restart | plane_ends):
            m.d.sync += [rows_left.eq(tensor.rows), last_row.eq(one_row)]
        with m.Elif(row_ends):
            m.d.sync += [rows_left.eq(rows_left - 1), last_row.eq(rows_left == 2)]
        return columns_left, last_group, last_row

    def _emit(self, m: Module, cursor: RowCursor, moves, row_ends, plane_ends, pixels) -> None:
        """Follow the position, as row of the ring and rotation, and hold one group for the reader."""
        tensor = self.tensor
        position = Signal(POSITION_BITS)
        plane = Signal(ROW_BITS)
        column_bits = bank_bits(self.config)
        rotation = position[:column_bits]
        row = Signal(ROW_BITS)
        last_row = Signal(ROW_BITS)
        wraps = Signal()
        m.d.sync += last_row.eq(tensor.ring - 1)
        m.d.comb += [row.eq(position >> column_bits), wraps.eq(row == last_row)]
        with m.If(self.restart):
            m.d.sync += position.eq(tensor.start)
        with m.Elif(row_ends):
            m.d.sync += position.eq(cursor.following)
        with m.Elif(moves):
            m.d.sync += position[column_bits:].eq(Mux(wraps, 0, row + 1))
        with m.If(self.restart):
            m.d.sync += plane.eq(tensor.base)
        with m.Elif(plane_ends):
            m.d.sync += plane.eq(plane + tensor.plane)
        with m.If(moves):
            m.d.sync += [
                self.o.valid.eq(1),
                self.o.payload.row.eq(plane + row),
                self.o.payload.next_row.eq(Mux(wraps, plane, plane + row + 1)),
                self.o.payload.rotation.eq(rotation),
                self.o.payload.pixels.eq(pixels),
            ]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
