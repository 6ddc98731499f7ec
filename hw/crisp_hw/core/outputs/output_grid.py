"""Follows the drained pixels over the grid: which are outputs, and where in their ring they belong."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from crisp_hw.core.job import job_layout
from crisp_hw.core.payloads import bank_bits, position_bits
from crisp_hw.parts.ring import add_modulo
from crisp_hw.parts.sharing import Shareable
from crisp_spec.commands import COORDINATE_BITS
from crisp_spec.config import CoreConfig

PIXEL_LAYOUT = data.StructLayout({"x": COORDINATE_BITS, "y": COORDINATE_BITS})


class OutputGrid(Shareable):
    """Coordinates and place of ``drain_cols`` consecutive pixels of the grid, or of one if phased.

    After ``start`` each place finds its first pixel and its step, which takes ``drain_cols + 2`` cycles.

    Members
    -------
    job : In, the fields that it reads. start : In(1), begins a job.
    advance : In(1), go on to the next pixels; restart : In(1), with ``advance``, to the first ones.
    exists : Out(drain_cols), which of the current pixels are outputs.
    phase : Out(2), number of the first pixel's ring; position : Out, its place there, one cycle later.
    """

    job_fields = (
        *("pitch", "out_width", "out_height", "out_pitch", "out_ring", "out_start"),
        *("out_phased", "out_odd_row"),
    )

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "job": In(job_layout(self.job_fields)),
                "start": In(1),
                "advance": In(1),
                "restart": In(1),
                "exists": Out(config.drain_cols),
                "position": Out(position_bits(config)),
                "phase": Out(2),
            }
        )

    def elaborate(self, platform):
        m = Module()
        job, count = self.job, self.config.drain_cols
        self._first_x = Signal(COORDINATE_BITS)
        pitch_last = Signal(COORDINATE_BITS)
        m.d.sync += pitch_last.eq(job.pitch - 1)
        seed = Signal(PIXEL_LAYOUT)
        number = Signal(range(count + 2))
        with m.If(number <= count):
            m.d.sync += number.eq(number + 1)
        with m.If(seed.x == pitch_last):
            m.d.sync += [seed.x.eq(0), seed.y.eq(seed.y + 1)]
        with m.Else():
            m.d.sync += seed.x.eq(seed.x + 1)
        with m.If(self.start):
            m.d.sync += [seed.eq(0), number.eq(0)]
        step = Signal(PIXEL_LAYOUT)
        wrap_x = Signal(signed(COORDINATE_BITS + 1))
        wrap_y = Signal(COORDINATE_BITS)
        with m.If(number == Mux(job.out_phased, 1, count)):
            m.d.sync += step.eq(seed)
        m.d.sync += [wrap_x.eq(step.x - job.pitch), wrap_y.eq(step.y + 1)]
        for place in range(count):
            self._pixel(m, place, seed, number == place, step, wrap_x, wrap_y)
        self._position(m, pitch_last)
        return m

    def _pixel(self, m: Module, place: int, seed, seeded, step, wrap_x, wrap_y) -> None:
        job = self.job
        origin = Signal(PIXEL_LAYOUT, name=f"origin_{place}")
        pixel = Signal(PIXEL_LAYOUT, name=f"pixel_{place}")
        wrapped_x = Signal(signed(COORDINATE_BITS + 2), name=f"wrapped_x_{place}")
        wraps = Signal(name=f"wraps_{place}")
        m.d.comb += [
            wrapped_x.eq(pixel.x + wrap_x),
            wraps.eq(wrapped_x >= 0),
            self.exists[place].eq((pixel.x < job.out_width) & (pixel.y < job.out_height)),
        ]
        if place > 0:
            with m.If(job.out_phased):
                m.d.comb += self.exists[place].eq(0)
        with m.If(seeded):
            m.d.sync += [origin.eq(seed), pixel.eq(seed)]
        with m.Elif(self.advance):
            m.d.sync += [
                pixel.x.eq(Mux(wraps, wrapped_x, pixel.x + step.x)),
                pixel.y.eq(Mux(wraps, pixel.y + wrap_y, pixel.y + step.y)),
            ]
            with m.If(self.restart):
                m.d.sync += pixel.eq(origin)
        if place == 0:
            m.d.comb += self._first_x.eq(pixel.x)

    def _position(self, m: Module, pitch_last: Signal) -> None:
        """Grid order, or row by row of each phase: pixels 2 x and 2 x + 1 have the same position."""
        job, banks, bits = self.job, bank_bits(self.config), position_bits(self.config)
        ring = Signal(bits + 1)
        step = Signal(bits)
        step_less_ring = Signal(signed(bits + 2))
        line_less_ring = Signal(signed(max(bits, COORDINATE_BITS) + 2))
        m.d.comb += ring.eq(job.out_ring << banks)
        m.d.sync += [
            step.eq(Mux(job.out_phased, 1, self.config.drain_cols)),
            step_less_ring.eq(step - ring),
            line_less_ring.eq(job.out_pitch - ring),
        ]
        odd_row = Signal()
        line_ends = Signal()
        moves = Signal()
        begins = Signal()
        m.d.comb += [
            self.phase.eq(Mux(job.out_phased, Cat(self._first_x[0], odd_row), 0)),
            line_ends.eq(self.advance & job.out_phased & (self._first_x == pitch_last)),
            moves.eq(self.advance & (self.phase[0] | ~job.out_phased)),
            begins.eq(self.start | (self.advance & self.restart)),
        ]
        with m.If(begins):
            m.d.sync += odd_row.eq(job.out_odd_row)
        with m.Elif(line_ends):
            m.d.sync += odd_row.eq(~odd_row)
        # Sums follow a cycle later, from registers.
        ended = Signal()
        moved = Signal()
        begun = Signal()
        was_odd = Signal()
        line = Signal(bits)
        next_line = Signal(bits)
        m.d.sync += [ended.eq(line_ends), moved.eq(moves), begun.eq(begins), was_odd.eq(odd_row)]
        m.d.comb += next_line.eq(Mux(was_odd, add_modulo(line, job.out_pitch, line_less_ring), line))
        with m.If(begun):
            m.d.sync += [line.eq(job.out_start), self.position.eq(job.out_start)]
        with m.Elif(ended):
            m.d.sync += [line.eq(next_line), self.position.eq(next_line)]
        with m.Elif(moved):
            m.d.sync += self.position.eq(add_modulo(self.position, step, step_less_ring))
