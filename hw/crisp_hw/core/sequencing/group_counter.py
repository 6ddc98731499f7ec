"""Counts the beats of a window: slots of a group of pixels, and groups of a tile."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_hw.core.job import job_layout
from crisp_hw.parts.sharing import Shareable
from crisp_spec.config import CoreConfig


class GroupCounter(Shareable):
    """Walks over a tile's groups of ``cols`` pixels: ``n`` beats for each of a window, one of a residual.

    Members
    -------
    job : In, the fields that it reads.
    begins : In(1), a window begins in the next cycle.
    last_pixels : In(1), with ``begins``: in the last tile of a row tile.
    fetching : In(1), this cycle fetches a group of the tile's residual, after the last window.
    computing : Out(1), this cycle is a beat of a window; depth : Out, of group ``depth``; n : Out, with slot
        ``n``.
    group_begins : Out(1), a beat in this cycle is its group's first; group_ends : Out(1), it is the last.
    goes_on : Out(1), the next cycle begins another group of the window.
    last_fetch : Out(1), a fetch in the next cycle is the tile's last.
    """

    job_fields = ("n", "depth_full", "depth_last")

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "job": In(job_layout(self.job_fields)),
                "begins": In(1),
                "last_pixels": In(1),
                "fetching": In(1),
                "computing": Out(1),
                "depth": Out(ceil_log2(config.tile_depth)),
                "n": Out(range(config.m + 1)),
                "group_begins": Out(1, init=1),
                "group_ends": Out(1),
                "goes_on": Out(1),
                "last_fetch": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        job = self.job
        # What is left counts down to -1 in the last cycle but one, so that an end is one bit.
        slots, all_slots = (Signal(signed(len(job.n) + 1), name=name) for name in ("slots", "all_slots"))
        groups, all_groups, groups_full, groups_last = (
            Signal(signed(len(self.depth) + 1), name=name)
            for name in ("groups", "all_groups", "groups_full", "groups_last")
        )
        last_group, one_slot = groups < 0, all_slots < 0
        m.d.comb += [
            self.goes_on.eq(self.group_ends & ~last_group),
            self.last_fetch.eq(Mux(self.fetching, groups == 0, all_groups < 0)),
        ]
        m.d.sync += [
            all_slots.eq(job.n - 2),
            groups_full.eq(job.depth_full - 2),
            groups_last.eq(job.depth_last - 2),
            self.computing.eq(self.begins | (self.computing & ~(self.group_ends & last_group))),
            self.group_ends.eq(
                Mux(
                    self.begins,
                    one_slot,
                    self.computing & Mux(self.group_ends, one_slot & ~last_group, slots == 0),
                )
            ),
        ]
        with m.If(self.computing):
            m.d.sync += [
                self.n.eq(Mux(self.group_ends, 0, self.n + 1)),
                slots.eq(Mux(self.group_ends, all_slots, slots - 1)),
                self.group_begins.eq(self.group_ends),
            ]
        with m.If(self.group_ends | self.fetching):
            m.d.sync += [
                self.depth.eq(Mux(last_group, 0, self.depth + 1)),
                groups.eq(Mux(last_group, all_groups, groups - 1)),
            ]
        with m.If(self.begins):
            length = Mux(self.last_pixels, groups_last, groups_full)
            m.d.sync += [slots.eq(all_slots), groups.eq(length), all_groups.eq(length)]
        return m
