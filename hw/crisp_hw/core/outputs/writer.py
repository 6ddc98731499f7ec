"""Collects the rows' outputs into words and brings them to their banks of the activation memory."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_hw.core.array.output_lane import OutputLane
from crisp_hw.core.job import job_layout
from crisp_hw.core.outputs.output_grid import OutputGrid
from crisp_hw.core.payloads import bank_bits, drain_layout, output_layout, row_bits
from crisp_hw.core.plane_walker import PlaneWalker
from crisp_hw.parts.delay import delay
from crisp_hw.parts.field_layouts import same_fields
from crisp_hw.parts.ring import phase_rows
from crisp_hw.parts.select import select
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.config import VALUE_BITS, CoreConfig

ADDRESS_STAGES = 4
"""From the drained pixels' position to the rows in which they lie."""


class OutputWriter(Shareable):
    """Aligns the rows in time, drops the pixels that are not outputs and finds the others' places.

    Members
    -------
    job : In, the fields that it reads. start : In(1), begins a job.
    drain : In(drain_layout), the command that the last row is executing.
    y : In(rows times drain_cols values of 8 bits); row r is r cycles behind row 0.
    o : Out(output_layout), to the activation memory.
    written : Out(1), high together with the last output of the job.
    """

    job_fields = ("out_base", "out_plane", "out_part", "out_ring", *OutputGrid.job_fields)

    def __init__(self, config: CoreConfig):
        self.config = config
        pixels = data.ArrayLayout(VALUE_BITS, config.drain_cols)
        super().__init__(
            {
                "job": In(job_layout(self.job_fields)),
                "start": In(1),
                "drain": In(drain_layout(config)),
                "y": In(data.ArrayLayout(pixels, config.rows)),
                "o": Out(output_layout(config)),
                "written": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, job = self.config, self.job
        cycles = 1 + OutputLane.latency - ADDRESS_STAGES
        coming = {
            name: delay(m, self.drain[name], cycles, name, reset_less=False)
            for name in ("valid", "row_tile_end", "job_end")
        }
        restart = coming["valid"] & coming["row_tile_end"]
        planes, grid = PlaneWalker(config), OutputGrid(config)
        m.submodules.planes = shared(platform, planes)
        m.submodules.grid = shared(platform, grid)
        m.d.comb += [
            planes.first_base.eq(job.out_base),
            planes.plane.eq(job.out_plane),
            planes.first_part.eq(job.out_part),
            planes.start.eq(self.start),
            planes.advance.eq(restart),
            *same_fields(grid.job, job),
            grid.start.eq(self.start),
            grid.advance.eq(coming["valid"]),
            grid.restart.eq(restart),
        ]
        exists = grid.exists & coming["valid"].replicate(config.drain_cols)
        row, next_row, rotation = self._locate(m, planes.base, grid)
        m.d.sync += [
            self.o.part.eq(1 << delay(m, planes.part, ADDRESS_STAGES, "part")),
            self.written.eq(
                delay(m, coming["valid"] & coming["job_end"], ADDRESS_STAGES, "written", reset_less=False)
            ),
        ]
        arrived = delay(m, exists, ADDRESS_STAGES, "exists", reset_less=False)
        self._steer(m, arrived, row, next_row, rotation)
        return m

    def _locate(self, m: Module, plane: Value, grid: OutputGrid) -> tuple[Signal, Signal, Signal]:
        """Row of the banks from the rotation on, row of those below, rotation; ``ADDRESS_STAGES`` later."""
        config, job = self.config, self.job
        banks, rows = bank_bits(config), row_bits(config)
        last_row = Signal(rows)
        m.d.sync += last_row.eq(job.out_ring - 1)
        base, first_row, row, next_row = (
            Signal(rows, name=name) for name in ("base", "first_row", "row", "next_row")
        )
        phase = Signal(rows)
        wraps = Signal()
        position = delay(m, grid.position, 1, "position")
        plane_base = delay(m, plane, 1, "plane_base")
        m.d.sync += [
            phase.eq(phase_rows(m, job.out_ring, grid.phase, rows)),
            base.eq(plane_base + phase),
            first_row.eq(base + position[banks:]),
            wraps.eq(position[banks:] == last_row),
            row.eq(first_row),
            next_row.eq(Mux(wraps, delay(m, base, 1, "base"), first_row + 1)),
        ]
        return row, next_row, delay(m, position[:banks], 2, "rotation")

    def _steer(self, m: Module, exists: Value, row: Signal, next_row: Signal, rotation: Signal) -> None:
        """Register the outputs for their banks: pixel p of a command goes to bank ``rotation + p``."""
        config = self.config
        aligned = [
            delay(m, self.y[number], config.rows - 1 - number, f"row_{number}")
            for number in range(config.rows)
        ]
        words = [
            Value.cast(Cat(*[values[number] for values in aligned])) for number in range(config.drain_cols)
        ]
        place_bits = ceil_log2(config.drain_cols)
        for bank in range(config.cols):
            distance = (Const(bank, len(rotation)) - rotation)[: len(rotation)]
            place: Any = distance[:place_bits]
            behind = Const(bank, len(rotation)) < rotation
            found = (
                select([Value.cast(exists[i]) for i in range(config.drain_cols)], place)
                if place_bits
                else exists
            )
            m.d.sync += [
                self.o.valid[bank].eq(found & ~distance[place_bits:].any()),
                self.o.rows[bank].eq(Mux(behind, next_row, row)),
                self.o.data[bank].eq(select(words, place) if place_bits else words[0]),
            ]
