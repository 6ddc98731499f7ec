"""The schedule of a job: when its windows begin, when residuals are fetched, and when its tiles are over."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from crisp_hw.core.job import job_layout
from crisp_hw.core.sequencing.cycle_counters import CAUSE_LAYOUT
from crisp_hw.core.sequencing.slot_timer import SlotTimer
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.config import CoreConfig
from crisp_spec.latencies import prologue_cycles

PLACE_LAYOUT = data.StructLayout(dict.fromkeys(("last", "last_pixels", "last_rows"), 1))
"""A window's place in the loops: the last of its tile, in a row tile's last tile, in the last row tile."""

AHEAD_LAYOUT = data.StructLayout(dict.fromkeys(("load", "window", "residual", "over"), 1))
"""What comes behind a slot, one of these: the load of the first window, a window, the tile's residual, or
nothing, as the tile is over.
"""

STEP_LAYOUT = data.StructLayout(
    dict.fromkeys(("begins", "window_ends", "tile_ends", "fetches", "fetching"), 1)
)
"""What the beats follow.

``begins``: in the next cycle the window at the head of the queue begins. ``window_ends``: in this cycle the
one before ends. ``tile_ends``: the tile is handed to the drain. ``fetches``: in the next cycle a group of the
residual is fetched; ``fetching``: in this one.
"""


class Schedule(Shareable):
    """Divides a job into slots: prologue, load of the first window, and then slot by slot its windows.

    Behind the last window of a tile its residual is fetched, if there is one. A tile that is over is handed
    to the drain as soon as the one before is out; then the next begins.

    Registers all over the core wait for the end of a slot. So it is decided a cycle before, in ``ahead``: in
    the slot's last cycle it says what comes next.

    Members
    -------
    job : In, the fields that it reads. start : In(1), the job's first cycle; not before ``released`` of the
        drainer.
    head : In(PLACE_LAYOUT), of the window that is next.
    computing : In(1), this cycle is a beat; last_fetch : In(1), a fetch in the next one is the tile's last.
    free : In(1), the drain takes a tile; written : In(1), the job's last output leaves the writer.
    step : Out(STEP_LAYOUT).
    load : Out(1), the window at the head is to be loaded from the next cycle on.
    idle : Out(1), no job; done : Out(1), the job's last cycle; anew : Out(1), a job starts after a rest.
    cause : Out(CAUSE_LAYOUT), what this cycle counts for.
    """

    job_fields = ("residual", "slot_full", "slot_last", "load_beats")

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "job": In(job_layout(self.job_fields)),
                "start": In(1),
                "head": In(PLACE_LAYOUT),
                "computing": In(1),
                "last_fetch": In(1),
                "free": In(1),
                "written": In(1),
                "step": Out(STEP_LAYOUT),
                "load": Out(1),
                "idle": Out(1),
                "done": Out(1),
                "anew": Out(1),
                "cause": Out(CAUSE_LAYOUT),
            }
        )

    def elaborate(self, platform):
        m = Module()
        head, step = self.head, self.step
        ahead = Signal(AHEAD_LAYOUT)
        final = Signal()
        flushing = Signal()
        ends_soon = self._slots(m, platform, ahead)
        m.d.comb += [
            step.tile_ends.eq(ahead.over & self.free),
            step.begins.eq(ahead.window | (step.tile_ends & ~final)),
            step.fetches.eq(ahead.residual | (step.fetching & ~ahead.over)),
            # Behind the window that begins, if there is one, the next is loaded.
            self.load.eq(ahead.load | (step.begins & ~head.as_value().all())),
            self.anew.eq(self.start & ~flushing & ~self.done),
        ]
        m.d.sync += [
            step.fetching.eq(step.fetches),
            # The outputs of a job are on their way, perhaps beside the prologue of the next.
            flushing.eq((flushing & ~self.written) | (step.tile_ends & final)),
            self.done.eq(self.written),
        ]
        with m.If((ahead.over & ~self.free) | (step.fetches & self.last_fetch)):
            m.d.sync += ahead.over.eq(1)
        with m.If(step.begins):
            m.d.sync += final.eq(head.last_pixels & head.last_rows)
        self._states(m, ahead, ends_soon, final, flushing | self.done)
        return m

    def _slots(self, m: Module, platform, ahead) -> Signal:
        """Time the slots and announce in ``ahead`` what comes behind them; returns whether one ends soon."""
        job, head, step = self.job, self.head, self.step
        prologue = prologue_cycles(self.config)
        timer = SlotTimer(max(len(job.slot_full), prologue.bit_length()))
        m.submodules.timer = shared(platform, timer)
        cycles = Signal(
            data.StructLayout(
                dict.fromkeys(("slot_full", "slot_last", "load_beats"), timer.cycles_less_3.shape())
            )
        )
        behind = Signal(AHEAD_LAYOUT)
        m.d.sync += [
            *[cycles[name].eq(job[name] - 3) for name in cycles.shape().members],
            ahead.eq(Mux(timer.ends_soon, behind.as_value(), 0)),
        ]
        m.d.comb += timer.begins.eq(self.start | ahead.load | step.begins)
        with m.If(step.begins):
            m.d.comb += timer.cycles_less_3.eq(Mux(head.last_pixels, cycles.slot_last, cycles.slot_full))
            m.d.sync += [
                behind.eq(0),
                behind.window.eq(~head.last),
                behind.residual.eq(head.last & job.residual),
                behind.over.eq(head.last & ~job.residual),
            ]
        with m.Elif(ahead.load):
            m.d.comb += timer.cycles_less_3.eq(cycles.load_beats)
            m.d.sync += behind.eq(AHEAD_LAYOUT.const({"window": 1}))
        with m.Else():
            # What is left of the prologue, whose first cycle this is.
            m.d.comb += timer.cycles_less_3.eq(prologue - 4)
            with m.If(self.start):
                m.d.sync += behind.eq(AHEAD_LAYOUT.const({"load": 1}))
        return timer.ends_soon

    def _states(self, m: Module, ahead, ends_soon, final, flushing) -> None:
        """What the core is doing, and so what its cycles count for."""

        def counts(cause: str) -> None:
            m.d.comb += self.cause[cause].eq(1)

        def finish_tile() -> None:
            """Go on behind a tile that is over, or wait for the drain."""
            with m.If(self.free):
                m.next = "WINDOW"
                with m.If(final):
                    m.next = "FLUSH"
            with m.Else():
                m.next = "WAIT"

        m.d.sync += self.step.window_ends.eq(0)
        with m.FSM() as fsm:
            with m.State("IDLE"), m.If(self.start):
                with m.If(self.done):
                    counts("flush")
                m.next = "PROLOGUE"
            with m.State("PROLOGUE"):
                with m.If(flushing):
                    counts("flush")
                with m.Else():
                    counts("prologue")
                with m.If(ahead.load):
                    m.next = "LOAD"
            with m.State("LOAD"):
                counts("prologue")
                with m.If(ahead.window):
                    m.next = "WINDOW"
            with m.State("WINDOW"):
                with m.If(self.computing):
                    counts("compute")
                with m.Else():
                    counts("load")
                m.d.sync += self.step.window_ends.eq(ends_soon)
                with m.If(ahead.residual):
                    m.next = "RESIDUAL"
                with m.Elif(ahead.over):
                    finish_tile()
            with m.State("RESIDUAL"):
                counts("residual")
                with m.If(ahead.over):
                    finish_tile()
            with m.State("WAIT"):
                counts("drain")
                finish_tile()
            with m.State("FLUSH"):
                counts("flush")
                with m.If(self.start):
                    m.next = "PROLOGUE"
                with m.Elif(self.written):
                    m.next = "IDLE"
        m.d.comb += self.idle.eq(fsm.ongoing("IDLE"))
