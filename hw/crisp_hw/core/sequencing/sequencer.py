"""Sequencer: turns decoded windows into beats of the array, and finished tiles into drain commands.

All engines run in lockstep with the window slots. While the array computes a window, the loader fills the
other half of the weight buffers with the next one; while it computes a tile, the output stage drains the tile
before. A slot lasts as long as the slower of computing and loading, a tile as long as the slower of computing
and draining. That makes the number of cycles a closed formula, see ``crisp_golden.cycles.core_cycles``.
"""

from amaranth.hdl import Module, Mux, Shape, Signal, signed
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_hw.core.payloads import (
    CHANNEL_SLOTS,
    JOB_LAYOUT,
    bank_bits,
    beat_layout,
    drain_layout,
    read_layout,
    ring_layout,
    window_layout,
)
from crisp_hw.core.sequencing.drainer import Drainer
from crisp_hw.core.sequencing.pixel_walker import PixelWalker
from crisp_hw.core.sequencing.residual_walker import ResidualWalker
from crisp_hw.parts.ring import next_row
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.config import CoreConfig
from crisp_spec.cycle_causes import CORE_CAUSES
from crisp_spec.latencies import prologue_cycles

COUNTERS_LAYOUT = data.StructLayout(dict.fromkeys(CORE_CAUSES, 32))
"""Cycles of jobs that ran one behind the other, by cause; their sum is all cycles from start to done."""


class Sequencer(Shareable):
    """Runs one job from ``start`` to ``done``.

    Members
    -------
    job : In(JOB_LAYOUT), stable from ``start`` to ``released``.
    start : In(1), while ``idle`` or after ``released``; its cycle is the job's first.
    i : In, stream of decoded windows.
    load : Out(1), the window at the head of ``i`` is to be loaded from the next cycle on.
    read : Out(read_layout), inside : Out(cols), request to the activation memory, together with ``beat``.
    beat : Out(beat_layout); drain : Out(drain_layout).
    written : In(1), the job's last output leaves the writer; it is in the memory two cycles later.
    released : Out(1), the next job may be started in any cycle but this one: its prologue may run while the
        outputs of this one are on their way.
    idle : Out(1), no job; done : Out(1), the job's last cycle.
    starved : Out(1), sticks when a window was needed that was not decoded yet. It never is.
    counters : Out(COUNTERS_LAYOUT), of all jobs since the last one that was started while nothing ran. What
        a job has in common with the flush of the one before counts as that one's.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "job": In(JOB_LAYOUT),
                "start": In(1),
                "i": In(stream.Signature(window_layout(config))),  # pyright: ignore[reportArgumentType]
                "load": Out(1),
                "read": Out(read_layout(config)),
                "inside": Out(config.cols),
                "beat": Out(beat_layout(config)),
                "drain": Out(drain_layout(config)),
                "written": In(1),
                "released": Out(1),
                "idle": Out(1),
                "done": Out(1),
                "starved": Out(1),
                "counters": Out(COUNTERS_LAYOUT),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, job = self.config, self.job
        self._causes = {cause: Signal(name=f"counts_{cause}") for cause in CORE_CAUSES}
        self._counters(m)
        walker = PixelWalker(config)
        m.submodules.walker = shared(platform, walker)
        window = Signal(window_layout(config))
        # Counts down to -1 in the last cycle but one, so that its end is one bit and known a cycle ahead;
        # every count lasts at least two cycles.
        countdown = Signal(signed(max(len(job.slot_full), prologue_cycles(config).bit_length()) + 1))
        constants = self._constants(m, countdown.shape())
        # What the next cycle brings is decided in this one, since registers all over the core wait for it:
        # the countdown's last cycle, and whether behind it a window of the same tile begins, or the residual,
        # or the tile is over.
        ends_soon, goes_on, goes_residual, over = Signal(), Signal(), Signal(), Signal()
        window_ends, group_ends = Signal(), Signal()
        depth, n = Signal(ceil_log2(config.tile_depth)), Signal(range(config.m + 1))
        # Groups behind the current one in the tile, and slots in the group, count down to -1 in the same way.
        groups, slots = Signal.like(constants.groups_full), Signal.like(constants.n)
        all_groups = Signal.like(groups)
        last_group, one_slot = groups < 0, constants.n < 0
        # The beat that fetches a group's windows comes next.
        group_begins = Signal(init=1)
        # In this cycle the memory is to be read, in the next one.
        reads, reads_on = Signal(), Signal()
        computing, fetching_residual = Signal(), Signal()
        has_next, has_residual, final = Signal(), Signal(), Signal()
        begins, tile_ends, flushing = Signal(), Signal(), Signal()
        tile = Signal(data.StructLayout({"bank": 1, "slot": ceil_log2(CHANNEL_SLOTS), "buffer": 1}))
        drainer = Drainer(config)
        m.submodules.drainer = shared(platform, drainer)
        m.d.comb += [
            drainer.job.eq(job),
            drainer.start.eq(tile_ends),
            *[getattr(drainer, name).eq(tile[name]) for name in ("bank", "slot")],
            *[getattr(drainer, name).eq(window[name]) for name in ("last_pixels", "last_rows")],
            self.drain.eq(drainer.drain),
            self.released.eq(drainer.released),
        ]
        self._connect_walker(m, walker, window)
        head = self.i.payload
        m.d.comb += [
            ends_soon.eq((countdown < 0) & ~(goes_on | goes_residual | over)),
            # A tile is handed to the drain as soon as the one before is out; then the next begins.
            tile_ends.eq(over & drainer.free),
            begins.eq(goes_on | (tile_ends & ~final)),
            self.i.ready.eq(begins),
            # Take the head of the queue as the current window; load the one behind it meanwhile.
            self.load.eq(begins & ~(head.last & head.last_pixels & head.last_rows)),
        ]
        m.d.sync += [
            countdown.eq(countdown - 1),
            reads.eq(reads_on | begins),
            goes_on.eq(0),
            goes_residual.eq(0),
            over.eq(over & ~drainer.free),
            window_ends.eq(0),
            group_ends.eq(
                Mux(
                    begins,
                    one_slot,
                    computing & Mux(group_ends, one_slot & ~last_group, slots == 0),
                )
            ),
            computing.eq(begins | (computing & ~(group_ends & last_group))),
            fetching_residual.eq(goes_residual | (fetching_residual & ~over)),
        ]

        with m.If(self.start):
            # This cycle is the prologue's first.
            m.d.sync += [countdown.eq(prologue_cycles(config) - 4), tile.eq(0)]
            with m.If(~flushing & ~self.done):
                m.d.sync += [
                    self.counters.eq(0),
                    self.counters.prologue.eq(1),
                    # The last cycle, in which the counters settle.
                    self.counters.flush.eq(1),
                    self.starved.eq(0),
                ]

        def finish_tile():
            """Go on behind a tile that is over, or wait for the drain."""
            with m.If(drainer.free):
                m.next = "WINDOW"
                with m.If(final):
                    m.next = "FLUSH"
            with m.Else():
                m.next = "WAIT"

        def count_prologue():
            """Count a cycle, unless the flush of the job before still goes on."""
            with m.If(flushing | self.done):
                self._count(m, "flush")
            with m.Else():
                self._count(m, "prologue")

        with m.FSM() as fsm:
            with m.State("IDLE"), m.If(self.start):
                with m.If(self.done):
                    self._count(m, "flush")
                m.next = "PROLOGUE"
            with m.State("PROLOGUE"):
                count_prologue()
                with m.If(ends_soon):
                    m.d.sync += countdown.eq(constants.load_beats)
                    m.next = "LOAD"
            with m.State("LOAD"):
                # The prologue's last cycle.
                count_prologue()
                m.d.comb += self.load.eq(1)
                m.next = "PRIME"
            with m.State("PRIME"):
                self._count(m, "prologue")
                m.d.sync += goes_on.eq(ends_soon)
                with m.If(goes_on):
                    m.next = "WINDOW"
            with m.State("WINDOW"):
                with m.If(computing):
                    self._count(m, "compute")
                with m.Else():
                    self._count(m, "load")
                with m.If(ends_soon):
                    m.d.sync += [
                        window_ends.eq(1),
                        goes_on.eq(has_next),
                        goes_residual.eq(has_residual),
                        over.eq(~has_next & ~has_residual),
                    ]
                with m.If(goes_residual):
                    m.d.comb += reads_on.eq(1)
                    # A tile of one group.
                    m.d.sync += over.eq(all_groups < 0)
                    m.next = "RESIDUAL"
                with m.Elif(over):
                    finish_tile()
                with m.Elif(~goes_on):
                    m.d.comb += reads_on.eq(group_ends & ~last_group)
            with m.State("RESIDUAL"):
                self._count(m, "residual")
                with m.If(over):
                    finish_tile()
                with m.Else():
                    m.d.comb += reads_on.eq(1)
                    m.d.sync += over.eq(groups == 0)
            with m.State("WAIT"):
                self._count(m, "drain")
                finish_tile()
            with m.State("FLUSH"):
                self._count(m, "flush")
                with m.If(self.start):
                    m.next = "PROLOGUE"
                with m.Elif(self.written):
                    m.next = "IDLE"
        m.d.comb += self.idle.eq(fsm.ongoing("IDLE"))
        m.d.sync += [
            flushing.eq((flushing & ~self.written) | (tile_ends & final)),
            self.done.eq(self.written),
        ]

        m.d.comb += [
            walker.start.eq(self.start),
            walker.advance.eq(group_ends),
            walker.rewind.eq(window_ends),
        ]
        ring = Signal(ring_layout(config))
        with m.If(computing):
            m.d.sync += [
                n.eq(Mux(group_ends, 0, n + 1)),
                slots.eq(Mux(group_ends, constants.n, slots - 1)),
                group_begins.eq(group_ends),
            ]
        with m.If(group_ends):
            next_row(m, ring)
        with m.If(group_ends | fetching_residual):
            m.d.sync += [
                depth.eq(Mux(last_group, 0, depth + 1)),
                groups.eq(Mux(last_group, all_groups, groups - 1)),
            ]
        with m.If(begins):
            m.d.sync += [
                window.eq(head),
                ring.eq(head.ring),
                countdown.eq(Mux(head.last_pixels, constants.slot_last, constants.slot_full)),
                *[
                    signal.eq(Mux(head.last_pixels, constants.groups_last, constants.groups_full))
                    for signal in (groups, all_groups)
                ],
                slots.eq(constants.n),
                # What follows the window, known before it ends.
                has_next.eq(~head.last),
                has_residual.eq(head.last & job.residual),
                final.eq(head.last_pixels & head.last_rows),
                tile.buffer.eq(~tile.buffer),
                self.starved.eq(self.starved | ~self.i.valid),
            ]
        with m.If(tile_ends):
            m.d.sync += [tile.bank.eq(~tile.bank), tile.slot.eq(tile.slot + window.last_pixels)]

        residual = ResidualWalker(config)
        m.submodules.residual = shared(platform, residual)
        m.d.comb += [
            residual.job.eq(job),
            residual.start.eq(self.start),
            residual.row_tile_ends.eq(tile_ends & window.last_pixels),
            residual.fetching.eq(fetching_residual),
        ]
        rotation = Mux(fetching_residual, job.res_start[: bank_bits(config)], window.rotation)
        m.d.sync += [
            self.read.en.eq(reads),
            self.read.row.eq(Mux(fetching_residual, residual.ring.row, ring.row)),
            self.read.next_row.eq(Mux(fetching_residual, residual.ring.next_row, ring.next_row)),
            self.read.rotation.eq(rotation),
            self.inside.eq(walker.inside | fetching_residual.replicate(config.cols)),
            self.beat.fetch.eq(reads),
            self.beat.mac.eq(computing & ~job.max_pool),
            self.beat.residual.eq(fetching_residual | (computing & job.max_pool)),
            self.beat.maximum.eq(computing & job.max_pool),
            self.beat.first.eq(window.first & group_begins),
            self.beat.n.eq(n),
            # The buffer was already switched for the window behind this one.
            self.beat.buffer.eq(~tile.buffer),
            self.beat.bank.eq(tile.bank),
            self.beat.depth.eq(depth),
            self.beat.slot.eq(tile.slot),
            self.beat.part.eq(residual.part),
        ]
        return m

    def _constants(self, m: Module, countdown: Shape):
        """What of the job the counters start from."""
        job, depth = self.job, ceil_log2(self.config.tile_depth)
        constants = Signal(
            data.StructLayout(
                {
                    **dict.fromkeys(("slot_full", "slot_last", "load_beats"), countdown),
                    "groups_full": signed(depth + 1),
                    "groups_last": signed(depth + 1),
                    "n": signed(len(job.n) + 1),
                }
            )
        )
        m.d.sync += [
            *[constants[name].eq(job[name] - 3) for name in ("slot_full", "slot_last")],
            *[constants[name].eq(job[name] - 2) for name in ("load_beats", "n")],
            *[constants[f"groups_{name}"].eq(job[f"depth_{name}"] - 2) for name in ("full", "last")],
        ]
        return constants

    def _count(self, m: Module, cause: str) -> None:
        m.d.comb += self._causes[cause].eq(1)

    def _counters(self, m: Module) -> None:
        """Count each cycle one cycle later, since the counters are far from the control logic."""
        for cause, now in self._causes.items():
            before = Signal(name=f"counted_{cause}")
            m.d.sync += before.eq(now)
            with m.If(before):
                m.d.sync += self.counters[cause].eq(self.counters[cause] + 1)

    def _connect_walker(self, m: Module, walker: PixelWalker, window) -> None:
        job = self.job
        m.d.comb += [
            *[getattr(walker, name).eq(job[name]) for name in ("pitch", "step_x", "step_y")],
            *[getattr(walker, name).eq(window[name]) for name in ("y_low", "y_high", "x_low", "x_high")],
            walker.next_tile.eq(window.last),
            walker.restart.eq(window.last & window.last_pixels),
        ]
