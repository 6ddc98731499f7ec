"""Turns the steps of a job's schedule into beats of the array, with the words that they read."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.wiring import In, Out

from crisp_hw.core.job import job_layout
from crisp_hw.core.payloads import (
    bank_bits,
    beat_layout,
    read_layout,
    ring_layout,
    tile_layout,
    window_layout,
)
from crisp_hw.core.sequencing.group_counter import GroupCounter
from crisp_hw.core.sequencing.pixel_walker import PixelWalker
from crisp_hw.core.sequencing.residual_walker import ResidualWalker
from crisp_hw.core.sequencing.schedule import STEP_LAYOUT
from crisp_hw.parts.field_layouts import same_fields
from crisp_hw.parts.ring import next_row
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.config import CoreConfig


class BeatIssuer(Shareable):
    """Issues the beats of windows and residuals, a cycle after the one that the schedule means.

    Members
    -------
    job : In, the fields that it reads. start : In(1), begins a job.
    head : In(window_layout), the window that begins with ``step.begins``; step : In(STEP_LAYOUT).
    computing, last_fetch : Out(1), as of ``GroupCounter``.
    tile : Out(tile_layout), what ``step.tile_ends`` hands over.
    beat : Out(beat_layout).
    read : Out(read_layout), is_inside : Out(cols), the beat's request to the activation memory.
    """

    job_fields = (
        "max_pool",
        *GroupCounter.job_fields,
        *PixelWalker.job_fields,
        *ResidualWalker.job_fields,
    )

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "job": In(job_layout(self.job_fields)),
                "start": In(1),
                "head": In(window_layout(config)),
                "step": In(STEP_LAYOUT),
                "computing": Out(1),
                "last_fetch": Out(1),
                "tile": Out(tile_layout()),
                "beat": Out(beat_layout(config)),
                "read": Out(read_layout(config)),
                "is_inside": Out(config.cols),
            }
        )

    def elaborate(self, platform):
        m = Module()
        step, head = self.step, self.head
        window = Signal(window_layout(self.config))
        ring = Signal(ring_layout(self.config))
        buffer = Signal()
        groups = self._count(m, platform)
        with m.If(groups.group_ends):
            next_row(m, ring)
        with m.If(self.start):
            m.d.sync += [buffer.eq(0), self.tile.bank.eq(0), self.tile.slot.eq(0)]
        with m.If(step.begins):
            m.d.sync += [window.eq(head), ring.eq(head.ring), buffer.eq(~buffer)]
        with m.If(step.tile_ends):
            m.d.sync += [
                self.tile.bank.eq(~self.tile.bank),
                self.tile.slot.eq(self.tile.slot + window.last_pixels),
            ]
        m.d.comb += [self.tile[name].eq(window[name]) for name in ("last_pixels", "last_rows")]
        pixels = self._walk_pixels(m, platform, groups, window)
        residual = self._walk_residual(m, platform, window)
        self._issue(m, groups, window, buffer, residual.part)
        self._read(m, groups, window, ring, residual)
        m.d.sync += self.is_inside.eq(pixels.is_inside | step.fetching.replicate(self.config.cols))
        return m

    def _count(self, m: Module, platform) -> GroupCounter:
        groups = GroupCounter(self.config)
        m.submodules.group_counter = shared(platform, groups)
        m.d.comb += [
            *same_fields(groups.job, self.job),
            groups.begins.eq(self.step.begins),
            groups.last_pixels.eq(self.head.last_pixels),
            groups.fetching.eq(self.step.fetching),
            self.computing.eq(groups.computing),
            self.last_fetch.eq(groups.last_fetch),
        ]
        return groups

    def _walk_pixels(self, m: Module, platform, groups: GroupCounter, window) -> PixelWalker:
        pixels = PixelWalker(self.config)
        m.submodules.pixels = shared(platform, pixels)
        m.d.comb += [
            *same_fields(pixels.job, self.job),
            *[getattr(pixels, name).eq(window[name]) for name in ("y_low", "y_high", "x_low", "x_high")],
            pixels.start.eq(self.start),
            pixels.advance.eq(groups.group_ends),
            pixels.rewind.eq(self.step.window_ends),
            pixels.next_tile.eq(window.last),
            pixels.restart.eq(window.last & window.last_pixels),
        ]
        return pixels

    def _walk_residual(self, m: Module, platform, window) -> ResidualWalker:
        residual = ResidualWalker(self.config)
        m.submodules.residual = shared(platform, residual)
        m.d.comb += [
            *same_fields(residual.job, self.job),
            residual.start.eq(self.start),
            residual.row_tile_ends.eq(self.step.tile_ends & window.last_pixels),
            residual.fetching.eq(self.step.fetching),
        ]
        return residual

    def _issue(self, m: Module, groups: GroupCounter, window, buffer: Signal, part) -> None:
        """The beat of this cycle, in the next one; only one with a group's first slot fetches."""
        beat, job, fetching = self.beat, self.job, self.step.fetching
        m.d.sync += [
            beat.mac.eq(groups.computing & ~job.max_pool),
            beat.residual.eq(fetching | (groups.computing & job.max_pool)),
            beat.maximum.eq(groups.computing & job.max_pool),
            beat.first.eq(window.first & groups.group_begins),
            beat.n.eq(groups.n),
            # The buffer was already switched for the window behind this one.
            beat.buffer.eq(~buffer),
            beat.bank.eq(self.tile.bank),
            beat.depth.eq(groups.depth),
            beat.slot.eq(self.tile.slot),
            beat.part.eq(part),
        ]

    def _read(self, m: Module, groups: GroupCounter, window, ring, residual: ResidualWalker) -> None:
        """What the beat of this cycle fetches: a group of pixels, or of their residual."""
        step, read = self.step, self.read
        # In this cycle the memory is to be read.
        reads = Signal()
        rotation = self.job.res_start[: bank_bits(self.config)]
        m.d.sync += [
            reads.eq(step.begins | step.fetches | groups.goes_on),
            self.beat.fetch.eq(reads),
            read.en.eq(reads),
            read.row.eq(Mux(step.fetching, residual.ring.row, ring.row)),
            read.next_row.eq(Mux(step.fetching, residual.ring.next_row, ring.next_row)),
            read.rotation.eq(Mux(step.fetching, rotation, window.rotation)),
        ]
