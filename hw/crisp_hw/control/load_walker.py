"""Where the pixels of a load go in the activation memory."""

from amaranth.hdl import Array, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_golden.config import CoreConfig
from crisp_golden.program.commands import (
    COORDINATE_BITS,
    POSITION_BITS,
    ROW_BITS,
)
from crisp_hw.control.layouts import COMMAND_LAYOUTS
from crisp_hw.control.row_cursor import RowCursor
from crisp_hw.sharing import shared


class LoadWalker(wiring.Component):
    """Walks over the beats of a tensor in the order of external memory: plane, row, pixel, part of a window.

    Members
    -------
    command : In, the load.
    restart : In(1), go to the first beat; advance : In(1), to the next, allowed while ``ready``.
    ready : Out(1), low for the last beat of a row until the row's third cycle.
    ring_row : Out(16), SMEM row where the pixel's ring begins; position : Out(20), its place in there.
    part : Out, beat of the pixel's window; 0 if a window is one beat.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        self.parts = config.window_bits // config.bus_bits
        super().__init__(
            {
                "command": In(COMMAND_LAYOUTS["load"]),
                "restart": In(1),
                "advance": In(1),
                "ready": Out(1),
                "ring_row": Out(ROW_BITS),
                "position": Out(POSITION_BITS),
                "part": Out(max(1, ceil_log2(self.parts))),
            }
        )

    @property
    def module_name(self) -> str:
        """Name that tells the shape of the memory."""
        return f"load_walker_{self.config.cols}x{self.parts}"

    def elaborate(self, platform):
        m = Module()
        command = self.command
        cursor = RowCursor(self.config)
        m.submodules.cursor = shared(platform, cursor)
        last_part, last_pixel, last_row, odd = Signal(), Signal(), Signal(), Signal()
        pixel_ends, row_ends = Signal(), Signal()
        columns_left, rows_left = Signal(COORDINATE_BITS), Signal(COORDINATE_BITS)
        m.d.comb += [
            *[getattr(cursor, name).eq(command[name]) for name in ("start", "pitch", "ring")],
            last_part.eq(self.part == self.parts - 1),
            last_pixel.eq(columns_left == 1),
            last_row.eq(rows_left == 1),
            self.ready.eq(~(last_part & last_pixel) | cursor.settled),
            pixel_ends.eq(self.advance & last_part),
            row_ends.eq(pixel_ends & last_pixel),
            cursor.restart.eq(self.restart | (row_ends & last_row)),
            cursor.advance.eq(row_ends & (odd | ~command.phased)),
        ]
        if self.parts > 1:
            m.d.sync += self.part.eq(Mux(self.restart, 0, self.part + self.advance))
        with m.If(self.restart | row_ends):
            m.d.sync += columns_left.eq(command.width)
        with m.Elif(pixel_ends):
            m.d.sync += columns_left.eq(columns_left - 1)
        with m.If(cursor.restart):
            m.d.sync += [rows_left.eq(command.rows), odd.eq(command.odd_row)]
        with m.Elif(row_ends):
            m.d.sync += [rows_left.eq(rows_left - 1), odd.eq(~odd)]
        self._move(m, cursor, pixel_ends, row_ends, odd)
        self._plane(m, row_ends & last_row, odd)
        return m

    def _move(self, m: Module, cursor: RowCursor, pixel_ends, row_ends, odd) -> None:
        """The position within the ring; in a phased tensor it moves on after every second pixel."""
        command = self.command
        odd_column = Signal()
        self._odd_column = odd_column
        step, words = Signal(POSITION_BITS + 1), Signal(POSITION_BITS + 1)
        m.d.comb += [step.eq(self.position + 1), words.eq(command.ring << ceil_log2(self.config.cols))]
        with m.If(cursor.restart):
            m.d.sync += [self.position.eq(command.start), odd_column.eq(0)]
        with m.Elif(row_ends):
            m.d.sync += odd_column.eq(0)
            m.d.sync += self.position.eq(Mux(cursor.advance, cursor.following, cursor.position))
        with m.Elif(pixel_ends):
            m.d.sync += odd_column.eq(~odd_column)
            with m.If(odd_column | ~command.phased):
                m.d.sync += self.position.eq(Mux(step == words, 0, step))

    def _plane(self, m: Module, plane_ends, odd) -> None:
        """The ring's first row, from the plane's and, in a phased tensor, the parities."""
        command = self.command
        plane, triple = Signal(ROW_BITS), Signal(ROW_BITS)
        m.d.sync += triple.eq((command.ring << 1) + command.ring)
        with m.If(self.restart):
            m.d.sync += plane.eq(command.base)
        with m.Elif(plane_ends):
            m.d.sync += plane.eq(plane + command.plane)
        rings = Array([Const(0, ROW_BITS), command.ring, command.ring << 1, triple])
        ring = Signal(2)
        m.d.comb += [
            ring.eq(Mux(command.phased, self._odd_column | (odd << 1), 0)),
            self.ring_row.eq(plane + rings[ring]),
        ]
