"""Sequencer: turns decoded windows into beats of the array, and finished tiles into drain commands.

All engines run in lockstep with the window slots. While the array computes a window, the loader fills the
other half of the weight buffers with the next one; while it computes a tile, the output stage drains the tile
before. A slot lasts as long as the slower of computing and loading, a tile as long as the slower of computing
and draining. That makes the number of cycles a closed formula, see ``crisp_golden.cycles``.
"""

from dataclasses import fields

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_golden.config import CoreConfig
from crisp_golden.cycles import CycleCount
from crisp_golden.timing import prologue_cycles
from crisp_hw.layouts import (
    CHANNEL_SLOTS,
    address_bits,
    beat_layout,
    drain_layout,
    job_layout,
    window_layout,
)
from crisp_hw.pixel_walker import PixelWalker
from crisp_hw.sharing import shared

COUNTERS = tuple(field.name for field in fields(CycleCount))
COUNTERS_LAYOUT = data.StructLayout({name: 32 for name in COUNTERS})
"""Cycles of the last job by cause; their sum is all cycles from start to done."""


class Sequencer(wiring.Component):
    """Runs one job from ``start`` to ``done``.

    Members
    -------
    job : In(job_layout), stable while busy.
    start : In(1), ignored while busy; its cycle is the job's first.
    i : In, stream of decoded windows.
    load : Out(1), the window at the head of ``i`` is to be loaded from the next cycle on.
    read_en, read_addr, inside : Out, request to the activation memory, together with ``beat``.
    beat : Out(beat_layout); drain : Out(drain_layout).
    written : In(1), the job's last output leaves the writer; it is in the memory two cycles later.
    busy : Out(1); done : Out(1), high for the last busy cycle.
    starved : Out(1), sticks when a window was needed that was not decoded yet. It never is.
    counters : Out(COUNTERS_LAYOUT).
    """

    module_name = "sequencer"

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "job": In(job_layout(config)),
                "start": In(1),
                "i": In(stream.Signature(window_layout(config))),  # pyright: ignore[reportArgumentType]
                "load": Out(1),
                "read_en": Out(1),
                "read_addr": Out(address_bits(config)),
                "inside": Out(config.cols),
                "beat": Out(beat_layout(config)),
                "drain": Out(drain_layout(config)),
                "written": In(1),
                "busy": Out(1),
                "done": Out(1),
                "starved": Out(1),
                "counters": Out(COUNTERS_LAYOUT),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, job = self.config, self.job
        self._causes = {cause: Signal(name=f"counts_{cause}") for cause in COUNTERS}
        self._counters(m)
        walker = PixelWalker(config)
        m.submodules.walker = shared(platform, walker)
        window = Signal(window_layout(config))
        # Counts down to -1, so that its end is one bit; every count lasts at least two cycles.
        countdown = Signal(signed(max(len(job.slot_full), prologue_cycles(config).bit_length()) + 1))
        constants = self._constants(m, countdown.shape())
        ended = Signal()
        depth_last = Signal(ceil_log2(config.tile_depth))
        depth = Signal.like(depth_last)
        n, active = Signal(range(config.m + 1)), Signal()
        computing, fetching_residual = Signal(), Signal()
        begins, tile_ends = Signal(), Signal()
        tile = Signal(data.StructLayout({"bank": 1, "slot": ceil_log2(CHANNEL_SLOTS), "buffer": 1}))
        drain_free = self._drain(m, tile_ends, window, depth_last, tile)
        self._connect_walker(m, walker, window)
        head = self.i.payload
        m.d.comb += [ended.eq(countdown < 0), self.i.ready.eq(begins)]
        m.d.sync += countdown.eq(countdown - 1)

        def begin_window():
            """Take the head of the queue as the current window; load the one behind it meanwhile."""
            m.d.comb += [
                begins.eq(1),
                self.load.eq(~(head.last & head.last_pixels & head.last_rows)),
            ]
            m.next = "WINDOW"

        def finish_tile():
            """Hand the tile to the drain as soon as the one before is out; go on with the next."""
            with m.If(drain_free):
                m.d.comb += tile_ends.eq(1)
                with m.If(window.last_pixels & window.last_rows):
                    m.next = "FLUSH"
                with m.Else():
                    begin_window()
            with m.Else():
                m.next = "WAIT"

        settling = Signal()
        with m.FSM() as fsm:
            with m.State("IDLE"), m.If(self.start & ~settling):
                m.d.comb += walker.start.eq(1)
                m.d.sync += [
                    # This cycle is the prologue's first.
                    countdown.eq(prologue_cycles(config) - 3),
                    tile.eq(0),
                    self.counters.eq(0),
                    self.counters.prologue.eq(1),
                    # The last cycle, in which the counters settle.
                    self.counters.flush.eq(1),
                    self.starved.eq(0),
                ]
                m.next = "PROLOGUE"
            with m.State("PROLOGUE"):
                self._count(m, "prologue")
                with m.If(ended):
                    m.d.comb += self.load.eq(1)
                    m.d.sync += countdown.eq(constants.load_beats)
                    m.next = "PRIME"
            with m.State("PRIME"):
                self._count(m, "prologue")
                with m.If(ended):
                    begin_window()
            with m.State("WINDOW"):
                with m.If(active):
                    self._count(m, "compute")
                    m.d.comb += computing.eq(1)
                with m.Else():
                    self._count(m, "load")
                with m.If(ended):
                    m.d.comb += walker.rewind.eq(1)
                    with m.If(~window.last):
                        begin_window()
                    with m.Elif(job.residual):
                        m.next = "RESIDUAL"
                    with m.Else():
                        finish_tile()
            with m.State("RESIDUAL"):
                self._count(m, "residual")
                m.d.comb += fetching_residual.eq(1)
                with m.If(depth == depth_last):
                    finish_tile()
            with m.State("WAIT"):
                self._count(m, "drain")
                finish_tile()
            with m.State("FLUSH"):
                self._count(m, "flush")
                with m.If(self.written):
                    m.next = "IDLE"
        m.d.sync += settling.eq(~fsm.ongoing("IDLE"))
        m.d.comb += [
            self.busy.eq(~fsm.ongoing("IDLE") | settling),
            self.done.eq(fsm.ongoing("IDLE") & settling),
        ]

        group_ends = Signal()
        m.d.comb += [
            group_ends.eq(computing & (n == constants.n)),
            walker.advance.eq(group_ends),
        ]
        address = Signal(address_bits(config))
        with m.If(computing):
            m.d.sync += n.eq(Mux(group_ends, 0, n + 1))
        with m.If(group_ends):
            m.d.sync += [active.eq(depth != depth_last), address.eq(address + config.cols)]
        with m.If(group_ends | fetching_residual):
            m.d.sync += depth.eq(Mux(depth == depth_last, 0, depth + 1))
        with m.If(begins):
            m.d.sync += [
                window.eq(head),
                address.eq(head.base),
                active.eq(1),
                countdown.eq(Mux(head.last_pixels, constants.slot_last, constants.slot_full)),
                depth_last.eq(Mux(head.last_pixels, constants.depth_last, constants.depth_full)),
                tile.buffer.eq(~tile.buffer),
                self.starved.eq(self.starved | ~self.i.valid),
            ]
        with m.If(tile_ends):
            m.d.sync += [tile.bank.eq(~tile.bank), tile.slot.eq(tile.slot + window.last_pixels)]

        residual_address, part = self._residual_address(m, fetching_residual, tile_ends, window)
        m.d.sync += [
            self.read_en.eq((computing & (n == 0)) | fetching_residual),
            self.read_addr.eq(Mux(fetching_residual, residual_address, address)),
            self.inside.eq(walker.inside | fetching_residual.replicate(config.cols)),
            self.beat.fetch.eq((computing & (n == 0)) | fetching_residual),
            self.beat.mac.eq(computing),
            self.beat.residual.eq(fetching_residual),
            self.beat.first.eq(window.first & (n == 0)),
            self.beat.n.eq(n),
            # The buffer was already switched for the window behind this one.
            self.beat.buffer.eq(~tile.buffer),
            self.beat.bank.eq(tile.bank),
            self.beat.depth.eq(depth),
            self.beat.slot.eq(tile.slot),
            self.beat.part.eq(part),
        ]
        return m

    def _constants(self, m: Module, countdown: Shape):
        """Job registers as the counters need them: last value, or start of the countdown."""
        job, depth = self.job, ceil_log2(self.config.tile_depth)
        layout = {"slot_full": countdown, "slot_last": countdown, "load_beats": countdown}
        constants = Signal(
            data.StructLayout({**layout, "depth_full": depth, "depth_last": depth, "n": len(job.n)})
        )
        m.d.sync += [
            *[constants[name].eq(job[name] - 2) for name in layout],
            *[constants[name].eq(job[name] - 1) for name in ("depth_full", "depth_last", "n")],
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

    def _drain(self, m: Module, starts, window, depth_last, tile):
        """Emit ``cols`` drain commands per column group of the finished tile; return "free next cycle"."""
        config = self.config
        running, rows_end, job_end = Signal(), Signal(), Signal()
        # Counts down to -1, so that its end is one bit.
        left = Signal(signed(len(depth_last) + ceil_log2(config.cols) + 1))
        current = Signal(drain_layout(config))
        col_ends, ends, free = Signal(), Signal(), Signal()
        m.d.comb += [
            col_ends.eq(current.col == config.cols - 1),
            ends.eq(running & (left < 0)),
            free.eq(~running | ends),
        ]
        with m.If(running):
            m.d.sync += [
                current.col.eq(current.col + 1),
                current.depth.eq(current.depth + col_ends),
                left.eq(left - 1),
                running.eq(~ends),
            ]
        with m.If(starts):
            m.d.sync += [
                running.eq(1),
                current.col.eq(0),
                current.depth.eq(0),
                current.bank.eq(tile.bank),
                current.slot.eq(tile.slot),
                left.eq(Cat(Const(config.cols - 2, ceil_log2(config.cols)), depth_last)),
                rows_end.eq(window.last_pixels),
                job_end.eq(window.last_pixels & window.last_rows),
            ]
        m.d.sync += [
            self.drain.eq(current),
            self.drain.valid.eq(running),
            self.drain.row_tile_end.eq(ends & rows_end),
            self.drain.job_end.eq(ends & job_end),
        ]
        return free

    def _residual_address(self, m: Module, fetching, tile_ends, window):
        """Running address of the residual, and the row tile's part of its window."""
        config, job = self.config, self.job
        parts = config.window // config.rows
        pointer = Signal(address_bits(config))
        plane = Signal.like(pointer)
        next_plane = Signal.like(pointer)
        part = Signal(range(max(2, parts)))
        part_ends = part == parts - 1
        m.d.comb += next_plane.eq(plane + Mux(part_ends, job.res_plane, 0))
        with m.If(fetching):
            m.d.sync += pointer.eq(pointer + config.cols)
        with m.If(tile_ends & window.last_pixels):
            m.d.sync += [
                plane.eq(next_plane),
                pointer.eq(next_plane),
                part.eq(Mux(part_ends, 0, part + 1)),
            ]
        with m.If(~self.busy):
            m.d.sync += [plane.eq(job.res_base), pointer.eq(job.res_base), part.eq(job.out_part)]
        return pointer, part
