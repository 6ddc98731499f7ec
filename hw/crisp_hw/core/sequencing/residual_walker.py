"""Walks over a residual's ring in the activation memory, row tile by row tile."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.wiring import In, Out

from crisp_hw.core.job import job_layout
from crisp_hw.core.payloads import bank_bits, ring_layout, row_bits
from crisp_hw.core.plane_walker import PlaneWalker
from crisp_hw.parts.delay import delay
from crisp_hw.parts.ring import next_row
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.config import CoreConfig


class ResidualWalker(Shareable):
    """Where the next residual words lie.

    Members
    -------
    job : In, the fields that it reads. start : In(1), begins a job.
    row_tile_ends : In(1), go to the next row tile; fetching : In(1), go one row further.
    ring : Out(ring_layout), three cycles after ``start`` and ``row_tile_ends``.
    part : Out, of the row tile in its words.
    """

    job_fields = ("out_part", "res_base", "res_plane", "res_ring", "res_start")

    def __init__(self, config: CoreConfig):
        self.config = config
        self.planes = PlaneWalker(config)
        super().__init__(
            {
                "job": In(job_layout(self.job_fields)),
                "start": In(1),
                "row_tile_ends": In(1),
                "fetching": In(1),
                "ring": Out(ring_layout(config)),
                "part": Out(len(self.planes.part)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        job, planes, ring = self.job, self.planes, self.ring
        m.submodules.planes = shared(platform, planes)
        rows = row_bits(self.config)
        first = Signal(rows)
        second = Signal(rows)
        last = Signal(rows)
        m.d.comb += [
            planes.first_base.eq(job.res_base),
            planes.plane.eq(job.res_plane),
            planes.first_part.eq(job.out_part),
            planes.start.eq(self.start),
            planes.advance.eq(self.row_tile_ends),
            self.part.eq(planes.part),
        ]
        start_row = job.res_start[bank_bits(self.config) :]
        m.d.sync += [
            last.eq(job.res_ring - 1),
            first.eq(start_row),
            second.eq(Mux(first == last, 0, first + 1)),
        ]
        # A row tile's residual is fetched behind its windows, long after its plane is known.
        reload = delay(m, self.start | self.row_tile_ends, 2, "reload", reset_less=False)
        with m.If(self.fetching):
            next_row(m, ring)
        with m.If(reload):
            m.d.sync += [
                ring.row.eq(planes.base + first),
                ring.next_row.eq(planes.base + second),
                ring.base.eq(planes.base),
                ring.last.eq(planes.base + last),
            ]
        return m
