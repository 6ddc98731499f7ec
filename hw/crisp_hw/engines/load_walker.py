"""Where the beats of a load go."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_hw.bus.bursts import stream_of
from crisp_hw.engines.row_cursor import RowCursor
from crisp_hw.parts.field_layouts import fields_layout, same_fields
from crisp_hw.parts.ring import phase_rows
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.commands import COORDINATE_BITS, LOAD, POSITION_BITS, ROW_BITS, Memory
from crisp_spec.config import CoreConfig

LOADED_TENSOR_LAYOUT = fields_layout(
    LOAD,
    (
        *("memory", "address", "base", "plane", "ring", "start"),
        *("rows", "width", "pitch", "phased", "odd_row"),
    ),
)
"""What a load says of the place that it fills."""


class LoadWalker(Shareable):
    """Emits the address of every beat of a load in the order of external memory: plane, row, pixel, part.

    It does not know where the load ends, and goes on for as long as addresses are taken. One comes per
    cycle, the first three cycles after ``restart``; a row of a tensor takes at least three cycles.

    Members
    -------
    tensor : In(LOADED_TENSOR_LAYOUT), stable from one cycle before ``restart`` on.
    restart : In(1), go to the first beat; what was not taken is dropped.
    o : Out, stream of addresses in the memory to fill, in beats.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        self.parts = config.word_bits // config.bus_bits
        self._place = data.StructLayout(
            {
                "plane": ROW_BITS,
                "ring": ROW_BITS,
                "position": POSITION_BITS,
                "part": range(max(2, self.parts)),
            }
        )
        super().__init__(
            {
                "tensor": In(LOADED_TENSOR_LAYOUT),
                "restart": In(1),
                "o": Out(stream_of(POSITION_BITS)),
            }
        )

    @property
    def module_name(self) -> str:
        """Name that tells the shape of the memory."""
        return f"load_walker_{self.config.cols}x{self.parts}"

    def elaborate(self, platform):
        m = Module()
        tensor = self.tensor
        cursor = RowCursor(self.config)
        m.submodules.cursor = shared(platform, cursor)
        advance = Signal()
        pixel_ends = Signal()
        row_ends = Signal()
        plane_ends = Signal()
        last_part = Signal()
        to_smem = Signal()
        one_part = Signal()
        odd_row = Signal()
        odd_column = Signal()
        part = Signal(self._place.members["part"])
        last_pixel, last_row = self._count(m, pixel_ends, row_ends, plane_ends, to_smem)
        m.d.sync += to_smem.eq(tensor.memory == Memory.SMEM)
        m.d.comb += [
            one_part.eq(~to_smem if self.parts > 1 else 1),
            *same_fields(cursor.tensor, tensor),
            pixel_ends.eq(advance & last_part),
            row_ends.eq(pixel_ends & last_pixel),
            cursor.again.eq(last_row),
            cursor.stay.eq(tensor.phased & ~odd_row),
            cursor.restart.eq(self.restart),
            cursor.advance.eq(row_ends),
        ]
        with m.If(self.restart | pixel_ends):
            m.d.sync += [part.eq(0), last_part.eq(one_part)]
        with m.Elif(advance):
            m.d.sync += [part.eq(part + 1), last_part.eq(part == self.parts - 2)]
        with m.If(self.restart | plane_ends):
            m.d.sync += [odd_row.eq(tensor.odd_row), odd_column.eq(0)]
        with m.Elif(row_ends):
            m.d.sync += [odd_row.eq(~odd_row), odd_column.eq(0)]
        with m.Elif(pixel_ends):
            m.d.sync += odd_column.eq(~odd_column)
        moves = pixel_ends & (odd_column | ~tensor.phased | ~to_smem)
        position = self._position(m, cursor, to_smem, moves, row_ends)
        place = Signal(self._place)
        phase = Mux(tensor.phased, Cat(odd_column, odd_row), 0)
        m.d.comb += [
            place.plane.eq(self._plane(m, plane_ends)),
            place.ring.eq(phase_rows(m, tensor.ring, phase, ROW_BITS)),
            place.position.eq(position),
            place.part.eq(part),
        ]
        self._emit(m, advance, ~(last_part & last_pixel) | cursor.settled, to_smem, place)
        return m

    def _count(self, m: Module, pixel_ends, row_ends, plane_ends, to_smem) -> tuple[Signal, Signal]:
        """Count pixels and rows; returns whether the pixel is its row's last, and the row its plane's."""
        tensor = self.tensor
        last_pixel = Signal()
        last_row = Signal()
        row_ended = Signal()
        one_column = Signal()
        one_row = Signal()
        columns_left = Signal(COORDINATE_BITS)
        rows_left = Signal(COORDINATE_BITS)
        m.d.sync += [one_column.eq(tensor.width == 1), one_row.eq(tensor.rows == 1)]
        m.d.comb += plane_ends.eq(row_ends & last_row)
        m.d.sync += row_ended.eq(row_ends & ~self.restart)
        with m.If(self.restart | row_ends):
            m.d.sync += [columns_left.eq(tensor.width), last_pixel.eq(one_column & to_smem)]
        with m.Elif(pixel_ends):
            m.d.sync += [columns_left.eq(columns_left - 1), last_pixel.eq((columns_left == 2) & to_smem)]
        # A row takes longer than one cycle, so that there is time to count it.
        with m.If(self.restart | (row_ended & last_row)):
            m.d.sync += [rows_left.eq(tensor.rows), last_row.eq(one_row)]
        with m.Elif(row_ended):
            m.d.sync += [rows_left.eq(rows_left - 1), last_row.eq(rows_left == 2)]
        return last_pixel, last_row

    def _position(self, m: Module, cursor: RowCursor, to_smem, moves, row_ends) -> Signal:
        """Place in the ring, in words; in a table, the beat."""
        tensor = self.tensor
        position = Signal(POSITION_BITS)
        last = Signal(POSITION_BITS)
        m.d.sync += last.eq((tensor.ring << ceil_log2(self.config.cols)) - 1)
        with m.If(self.restart):
            m.d.sync += position.eq(Mux(to_smem, tensor.start, tensor.address))
        with m.Elif(row_ends):
            m.d.sync += position.eq(cursor.following)
        with m.Elif(moves):
            m.d.sync += position.eq(Mux((position == last) & to_smem, 0, position + 1))
        return position

    def _plane(self, m: Module, plane_ends) -> Signal:
        """First SMEM row of the plane."""
        tensor = self.tensor
        plane = Signal(ROW_BITS)
        with m.If(self.restart):
            m.d.sync += plane.eq(tensor.base)
        with m.Elif(plane_ends):
            m.d.sync += plane.eq(plane + tensor.plane)
        return plane

    def _emit(self, m: Module, advance, may_advance, to_smem, place) -> None:
        """Add up the parts of an address, one addition per cycle; the last sum is offered."""
        running = Signal()
        flows = Signal()
        collected = Signal()
        parts = Signal(self._place, reset_less=True)
        row = Signal(ROW_BITS, reset_less=True)
        position = Signal.like(parts.position)
        part = Signal.like(parts.part)
        word = (row << ceil_log2(self.config.cols)) + position
        m.d.comb += [
            flows.eq(~self.o.valid | self.o.ready),
            advance.eq(running & may_advance & flows),
            self.o.payload.eq(Mux(to_smem, Cat(part[: ceil_log2(self.parts)], word), position)),
        ]
        with m.If(flows):
            m.d.sync += [
                parts.eq(place),
                collected.eq(advance),
                row.eq(parts.plane + parts.ring),
                position.eq(parts.position),
                part.eq(parts.part),
                self.o.valid.eq(collected),
            ]
        with m.If(self.restart):
            m.d.sync += [running.eq(1), collected.eq(0), self.o.valid.eq(0)]
