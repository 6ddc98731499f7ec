"""Turns finished tiles into drain commands, while the array computes the next tile."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_hw.core.job import job_layout
from crisp_hw.core.payloads import bank_bits, drain_layout, tile_layout
from crisp_hw.parts.delay import delay
from crisp_hw.parts.sharing import Shareable
from crisp_spec.config import CoreConfig
from crisp_spec.latencies import release_cycles


class Drainer(Shareable):
    """Emits a command in every cycle for the pixels of a tile, column by column, depth by depth.

    Members
    -------
    job : In, the fields that it reads.
    start : In(1), a tile is complete, only while ``free``; tile : In(tile_layout), which.
    drain : Out(drain_layout), from two cycles after ``start`` on.
    free : Out(1), a tile may be handed over: the one before is out by the next cycle. A register, since all
        that follows a tile waits for it.
    released : Out(1), ``release_cycles`` after the job's last command is decided.
    """

    job_fields = ("out_phased", "depth_full", "depth_last")

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "job": In(job_layout(self.job_fields)),
                "start": In(1),
                "tile": In(tile_layout()),
                "drain": Out(drain_layout(config)),
                "free": Out(1, init=1),
                "released": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, job, tile = self.config, self.job, self.tile
        lengths = self._lengths(m)
        running = Signal()
        rows_end = Signal()
        job_end = Signal()
        # Counts down to -1, so that its end is one bit.
        left = Signal.like(lengths[0])
        current = Signal(drain_layout(config))
        place = Cat(current.col, current.depth)
        ends = Signal()
        m.d.comb += ends.eq(running & (left < 0))
        with m.If(running):
            m.d.sync += [
                place.eq(place + Mux(job.out_phased, 1, config.drain_cols)),
                left.eq(left - 1),
                running.eq(~ends),
                self.free.eq(left <= 0),
            ]
        length = Mux(tile.last_pixels, lengths[1], lengths[0])
        with m.If(self.start):
            m.d.sync += [
                running.eq(1),
                self.free.eq(length < 0),
                place.eq(0),
                current.bank.eq(tile.bank),
                current.slot.eq(tile.slot),
                left.eq(length),
                rows_end.eq(tile.last_pixels),
                job_end.eq(tile.last_pixels & tile.last_rows),
            ]
        m.d.sync += [
            self.drain.eq(current),
            self.drain.valid.eq(running),
            self.drain.row_tile_end.eq(ends & rows_end),
            self.drain.job_end.eq(ends & job_end),
        ]
        last = delay(m, ends & job_end, release_cycles(config), "released", reset_less=False)
        m.d.comb += self.released.eq(last)
        return m

    def _lengths(self, m: Module) -> list[Signal]:
        """Commands of a full tile, and of the last one, less two."""
        config, job = self.config, self.job
        bits = ceil_log2(config.tile_depth) + bank_bits(config) + 1
        lengths = [Signal(signed(bits), name=f"length_{name}") for name in ("full", "last")]
        for length, groups in zip(lengths, (job.depth_full, job.depth_last), strict=True):
            commands = Mux(job.out_phased, groups * config.cols, groups * (config.cols // config.drain_cols))
            m.d.sync += length.eq(commands - 2)
        return lengths
