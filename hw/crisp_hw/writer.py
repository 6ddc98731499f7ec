"""Collects the rows' outputs into words and writes them to the activation memory."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from crisp_golden.config import VALUE_BITS, CoreConfig
from crisp_hw.delay import delay
from crisp_hw.layouts import address_bits, drain_layout, job_layout
from crisp_hw.output_lane import OutputLane


class OutputWriter(wiring.Component):
    """Aligns the rows in time, follows the pixel grid and drops the pixels that are not outputs.

    Members
    -------
    job : In(job_layout); start : In(1), begins a job.
    drain : In(drain_layout), the command that the last row is executing.
    y : In(rows values of 8 bits); row r is r cycles behind row 0.
    write_en, write_addr, write_data : Out, to the activation memory.
    written : Out(1), high together with the last output of the job.
    """

    module_name = "output_writer"

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "job": In(job_layout(config)),
                "start": In(1),
                "drain": In(drain_layout(config)),
                "y": In(data.ArrayLayout(VALUE_BITS, config.rows)),
                "write_en": Out(config.window // config.rows),
                "write_addr": Out(address_bits(config)),
                "write_data": Out(config.window_bits),
                "written": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, job = self.config, self.job
        parts = config.window // config.rows
        cycles = 1 + OutputLane.latency
        arrived = {
            name: delay(m, self.drain[name], cycles, name, reset_less=False)
            for name in ("valid", "row_tile_end", "job_end")
        }
        aligned = [delay(m, self.y[row], config.rows - 1 - row, f"row_{row}") for row in range(config.rows)]
        x, y = Signal.like(job.out_width), Signal.like(job.out_height)
        address, row_start, plane = (
            Signal(address_bits(config), name=name) for name in ("address", "row_start", "plane")
        )
        part = Signal(range(max(2, parts)))
        next_row, next_plane = Signal.like(address), Signal.like(address)
        pitch_last = Signal.like(job.pitch)
        m.d.sync += pitch_last.eq(job.pitch - 1)
        m.d.comb += [
            next_row.eq(row_start + job.out_pitch),
            next_plane.eq(plane + Mux(part == parts - 1, job.out_plane, 0)),
        ]
        with m.If(arrived["valid"]):
            m.d.sync += [x.eq(x + 1), address.eq(address + 1)]
            with m.If(x == pitch_last):
                m.d.sync += [x.eq(0), y.eq(y + 1), address.eq(next_row), row_start.eq(next_row)]
            with m.If(arrived["row_tile_end"]):
                m.d.sync += [
                    x.eq(0),
                    y.eq(0),
                    *[signal.eq(next_plane) for signal in (address, row_start, plane)],
                    part.eq(Mux(part == parts - 1, 0, part + 1)),
                ]
        with m.If(self.start):
            m.d.sync += [
                x.eq(0),
                y.eq(0),
                *[signal.eq(job.out_base) for signal in (address, row_start, plane)],
                part.eq(job.out_part),
            ]
        exists = arrived["valid"] & (x < job.out_width) & (y < job.out_height)
        m.d.sync += [
            self.write_en.eq(Mux(exists, 1 << part, 0)),
            self.write_addr.eq(address),
            self.write_data.eq(Cat(*aligned).replicate(parts)),
            self.written.eq(arrived["valid"] & arrived["job_end"]),
        ]
        return m
