"""The schedule of hand-made jobs, cycle by cycle, with stubs for the beats, the drain and the outputs."""

from typing import Any

import pytest

from crisp_golden.stimuli.small_cores import small_core
from crisp_hw.core.sequencing.schedule import Schedule
from crisp_spec.latencies import prologue_cycles
from hw.tests.simulate import drive, plain, simulate

CONFIG = small_core(2, 2, 2, 4)
PROLOGUE = prologue_cycles(CONFIG)
JOB = {"residual": 0, "slot_full": 6, "slot_last": 4, "load_beats": 3}
ONE_TILE = ({"last": 0}, {"last": 1, "last_pixels": 1, "last_rows": 1})
TWO_TILES = ({"last": 1}, {"last": 1, "last_pixels": 1, "last_rows": 1})
WRITTEN_AFTER = 9
"""Cycles from the end of the last tile to its last output."""


class Run:
    """A job that runs on a schedule; every cycle's causes, steps and loads, from that of ``start`` on.

    Parameters
    ----------
    windows : their places in the loops, zeros left out.
    drain_cycles : how long a tile drains; fetches : groups of a tile's residual.
    """

    def __init__(self, windows: tuple[dict[str, int], ...], *, drain_cycles: int = 1, fetches: int = 1):
        self.windows, self.drain_cycles, self.fetches = list(windows), drain_cycles, fetches
        self.causes: list[str] = []
        self.steps: list[dict[str, int]] = []
        self.loads: list[int] = []

    async def bench(self, ctx: Any, schedule: Schedule) -> None:
        """Run to the end of the job."""
        free_at, written_at, left = 0, None, self.fetches
        drive(ctx, schedule, {"start": 1})
        for cycle in range(200):
            head = self.windows[0] if self.windows else {}
            place = dict.fromkeys(("last", "last_pixels", "last_rows"), 0) | head
            drive(ctx, schedule, {"head": place, "computing": 1, "free": int(cycle >= free_at)})
            drive(ctx, schedule, {"written": int(cycle == written_at), "last_fetch": int(left == 1)})
            step = plain(ctx.get(schedule.step))
            self.steps.append(step)
            self.causes += [cause for cause, now in plain(ctx.get(schedule.cause)).items() if now]
            if ctx.get(schedule.load):
                self.loads.append(cycle)
            if step["tile_ends"]:
                free_at, left = cycle + self.drain_cycles, self.fetches
                written_at = None if self.windows else cycle + WRITTEN_AFTER
            if step["fetches"]:
                left -= 1
            if step["begins"]:
                self.windows.pop(0)
            if ctx.get(schedule.done):
                return
            await ctx.tick()
            drive(ctx, schedule, {"start": 0})
        raise AssertionError("the job does not end")

    def cycles_with(self, name: str) -> list[int]:
        """Numbers of the cycles that have a step."""
        return [cycle for cycle, step in enumerate(self.steps) if step[name]]


def run(job: dict[str, int], windows: tuple[dict[str, int], ...], **stubs: int) -> Run:
    """Run one job."""
    schedule, result = Schedule(CONFIG), Run(windows, **stubs)

    async def bench(ctx: Any) -> None:
        drive(ctx, schedule, {"job": job, "free": 1})
        await ctx.tick().repeat(2)
        await result.bench(ctx, schedule)

    simulate(schedule, bench)
    return result


def test_windows_of_a_tile_follow_each_other_behind_prologue_and_load():
    seen = run(JOB, ONE_TILE)
    first = PROLOGUE + JOB["load_beats"] - 1
    begins = [first, first + JOB["slot_full"]]
    over = begins[1] + JOB["slot_last"]
    assert seen.cycles_with("begins") == begins
    assert seen.cycles_with("window_ends") == [begins[1], over]
    assert seen.cycles_with("tile_ends") == [over]
    assert seen.cycles_with("fetches") == []
    # The second window is loaded while the first is computed; behind it comes none.
    assert seen.loads == [PROLOGUE - 1, begins[0]]


def test_cycles_count_for_what_the_array_does():
    """The first cycle of a job, and its last one, are counted in advance."""
    causes = run(JOB, ONE_TILE).causes
    assert causes == [
        *["prologue"] * (PROLOGUE - 1 + JOB["load_beats"]),
        *["compute"] * (JOB["slot_full"] + JOB["slot_last"]),
        *["flush"] * WRITTEN_AFTER,
    ]


@pytest.mark.parametrize("groups", [1, 2, 5])
def test_a_residual_is_fetched_behind_the_last_window_of_a_tile(groups: int):
    seen = run(JOB | {"residual": 1}, ONE_TILE, fetches=groups)
    over = PROLOGUE + JOB["load_beats"] - 1 + JOB["slot_full"] + JOB["slot_last"]
    assert seen.cycles_with("fetches") == list(range(over, over + groups))
    assert seen.cycles_with("fetching") == list(range(over + 1, over + 1 + groups))
    assert seen.cycles_with("tile_ends") == [over + groups]
    assert seen.causes.count("residual") == groups


@pytest.mark.parametrize("drain_cycles", [1, 4, 5, 23])
def test_a_tile_waits_until_the_one_before_is_drained(drain_cycles: int):
    seen = run(JOB, TWO_TILES, drain_cycles=drain_cycles)
    first, second = seen.cycles_with("tile_ends")
    waits = max(0, drain_cycles - JOB["slot_last"])
    assert second - first == JOB["slot_last"] + waits
    assert seen.causes.count("drain") == waits
    assert seen.cycles_with("begins")[1] == first


def test_the_next_job_starts_anew_only_after_a_rest():
    """A prologue beside a flush counts as the flush."""
    schedule = Schedule(CONFIG)

    async def bench(ctx: Any) -> None:
        drive(ctx, schedule, {"job": JOB, "free": 1})
        await ctx.tick().repeat(2)
        drive(ctx, schedule, {"start": 1})
        assert ctx.get(schedule.anew)
        await Run(ONE_TILE).bench(ctx, schedule)
        assert ctx.get(schedule.idle)
        drive(ctx, schedule, {"start": 1})
        assert not ctx.get(schedule.anew)
        assert plain(ctx.get(schedule.cause))["flush"]
        await ctx.tick()
        drive(ctx, schedule, {"start": 0})
        assert plain(ctx.get(schedule.cause))["prologue"]

    simulate(schedule, bench)
