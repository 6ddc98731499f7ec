"""Sequencer: turns decoded windows into beats of the array, and finished tiles into drain commands.

All engines run in lockstep with the window slots. While the array computes a window, the loader fills the
other half of the weight buffers with the next one; while it computes a tile, the output stage drains the tile
before. A slot lasts as long as the slower of computing and loading, a tile as long as the slower of computing
and draining. That makes the number of cycles a closed formula, see ``crisp_golden.cycles.core_cycles``.
"""

from amaranth.hdl import Module
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from crisp_hw.core.job import job_layout
from crisp_hw.core.payloads import beat_layout, drain_layout, read_layout, window_layout
from crisp_hw.core.sequencing.beat_issuer import BeatIssuer
from crisp_hw.core.sequencing.cycle_counters import COUNTERS_LAYOUT, CycleCounters
from crisp_hw.core.sequencing.drainer import Drainer
from crisp_hw.core.sequencing.schedule import Schedule
from crisp_hw.parts.field_layouts import same_fields
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.config import CoreConfig


class Sequencer(Shareable):
    """Runs one job from ``start`` to ``done``.

    Members
    -------
    job : In, the fields that it reads, stable from ``start`` to ``released``.
    start : In(1), while ``idle`` or after ``released``; its cycle is the job's first.
    i : In, stream of decoded windows.
    load : Out(1), the window at the head of ``i`` is to be loaded from the next cycle on.
    read : Out(read_layout), is_inside : Out(cols), request to the activation memory, together with ``beat``.
    beat : Out(beat_layout); drain : Out(drain_layout).
    written : In(1), the job's last output leaves the writer; it is in the memory two cycles later.
    released : Out(1), the next job may be started in any cycle but this one: its prologue may run while the
        outputs of this one are on their way.
    idle : Out(1), no job; done : Out(1), the job's last cycle.
    starved : Out(1), sticks when a window was needed that was not decoded yet. It never is.
    counters : Out(COUNTERS_LAYOUT), of all jobs since the last one that was started while nothing ran. What
        a job has in common with the flush of the one before counts as that one's.
    """

    job_fields = (*Schedule.job_fields, *BeatIssuer.job_fields, *Drainer.job_fields)

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "job": In(job_layout(self.job_fields)),
                "start": In(1),
                "i": In(stream.Signature(window_layout(config))),  # pyright: ignore[reportArgumentType]
                "load": Out(1),
                "read": Out(read_layout(config)),
                "is_inside": Out(config.cols),
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
        schedule, beats = Schedule(self.config), BeatIssuer(self.config)
        drainer, counters = Drainer(self.config), CycleCounters()
        for block in (schedule, beats, drainer, counters):
            m.submodules[block.module_name] = shared(platform, block)
        for block in (schedule, beats, drainer):
            m.d.comb += same_fields(block.job, self.job)
        head = self.i.payload
        m.d.comb += [
            schedule.start.eq(self.start),
            *same_fields(schedule.head, head),
            schedule.computing.eq(beats.computing),
            schedule.last_fetch.eq(beats.last_fetch),
            schedule.free.eq(drainer.free),
            schedule.written.eq(self.written),
            beats.start.eq(self.start),
            beats.head.eq(head),
            beats.step.eq(schedule.step),
            drainer.start.eq(schedule.step.tile_ends),
            drainer.tile.eq(beats.tile),
            counters.cause.eq(schedule.cause),
            counters.anew.eq(schedule.anew),
        ]
        m.d.comb += [
            self.i.ready.eq(schedule.step.begins),
            self.load.eq(schedule.load),
            self.read.eq(beats.read),
            self.is_inside.eq(beats.is_inside),
            self.beat.eq(beats.beat),
            self.drain.eq(drainer.drain),
            self.released.eq(drainer.released),
            self.idle.eq(schedule.idle),
            self.done.eq(schedule.done),
            self.counters.eq(counters.counters),
        ]
        with m.If(schedule.anew):
            m.d.sync += self.starved.eq(0)
        with m.Elif(schedule.step.begins & ~self.i.valid):
            m.d.sync += self.starved.eq(1)
        return m
