"""Program control: launch, rest, abort, reset."""

from typing import Any

import pytest

from crisp_hw.control.program_control import ProgramControl
from hw.tests.simulate import drive, simulate

OUTPUTS = (
    *("clear", "core_reset", "launch", "abort", "forget", "counting", "abandoned"),
    *("expired", "busy", "done", "resetting", "completed", "stopped"),
)


def rtl_cycles(frames: dict[int, dict[str, Any]], count: int, *, first: int = 1) -> dict[str, list[int]]:
    """For each output the cycles, from ``first`` on, in which it is high; inputs change in the named cycles.

    Cycle 0 follows a reset of the component.
    """
    control = ProgramControl()
    seen: dict[str, list[int]] = {name: [] for name in OUTPUTS}

    async def bench(ctx):
        drive(ctx, control, {"engines_idle": 1, "bus_idle": 1})
        total = 0
        for cycle in range(count):
            drive(ctx, control, {"start": 0, "reset": 0, **frames.get(cycle, {}), "total": total})
            for name in OUTPUTS:
                if ctx.get(getattr(control, name)) and cycle >= first:
                    seen[name].append(cycle)
            total = 0 if ctx.get(control.clear) else total + ctx.get(control.counting)
            await ctx.tick()

    simulate(control, bench)
    return seen


def test_a_reset_of_its_own_resets_the_others_for_a_cycle():
    seen = rtl_cycles({}, 4, first=0)
    assert (seen["clear"], seen["core_reset"], seen["forget"]) == ([0], [0], [0])
    assert not seen["busy"] + seen["abort"] + seen["launch"]


def test_a_program_runs_until_everything_rests():
    frames = {
        1: {"start": 1},
        4: {"bus_idle": 0, "engines_idle": 0},
        6: {"halted": 1, "ended": 1},
        8: {"engines_idle": 1},
        9: {"bus_idle": 1},
    }
    seen = rtl_cycles(frames, 15)
    assert (seen["clear"], seen["launch"]) == ([2], [3])
    assert seen["counting"] == list(range(3, 11))
    assert seen["busy"] == list(range(2, 11))
    assert (seen["completed"], seen["stopped"]) == ([11], [])
    assert seen["done"] == [11, 12, 13, 14]
    assert not seen["abort"] + seen["core_reset"]


def test_an_error_ends_it_without_done():
    seen = rtl_cycles({1: {"start": 1}, 6: {"halted": 1, "failed": 1}}, 12)
    assert (seen["completed"], seen["stopped"], seen["done"]) == ([], [8], [])


def test_an_error_before_end_counts_more_than_end():
    seen = rtl_cycles({1: {"start": 1}, 6: {"halted": 1, "failed": 1, "ended": 1}}, 12)
    assert (seen["completed"], seen["stopped"], seen["done"]) == ([], [8], [])


def test_start_is_ignored_while_a_program_runs():
    seen = rtl_cycles({1: {"start": 1}, 5: {"start": 1}, 9: {"halted": 1, "ended": 1}}, 15)
    assert (seen["clear"], seen["launch"], seen["completed"]) == ([2], [3], [11])


def test_the_watchdog_aborts_when_the_bus_allows():
    frames = {0: {"watchdog": 5}, 1: {"start": 1}, 4: {"bus_idle": 0}, 14: {"bus_idle": 1}}
    seen = rtl_cycles(frames, 20)
    assert seen["expired"] == [9]
    assert len(seen["counting"]) == 5 + 2
    assert seen["abandoned"] == [10]
    assert seen["abort"] == list(range(10, 16))
    assert (seen["clear"], seen["core_reset"], seen["forget"]) == ([2, 15], [15], [2])
    assert (seen["stopped"], seen["completed"], seen["done"]) == ([16], [], [])


def test_a_soft_reset_forgets_errors():
    frames = {1: {"start": 1}, 5: {"reset": 1, "bus_idle": 0}, 8: {"bus_idle": 1}}
    seen = rtl_cycles(frames, 14)
    assert seen["abort"] == [6, 7, 8, 9]
    assert seen["resetting"] == [6, 7, 8, 9]
    assert (seen["core_reset"], seen["forget"]) == ([9], [2, 9])
    assert seen["busy"] == list(range(2, 10))
    assert not seen["stopped"] + seen["completed"]


def test_a_soft_reset_after_the_end_takes_done_away():
    seen = rtl_cycles({1: {"start": 1}, 4: {"halted": 1, "ended": 1}, 10: {"reset": 1}}, 16)
    assert seen["done"] == list(range(6, 14))
    assert seen["core_reset"] == [13]


PROGRAMS = {
    "ends": {1: {"start": 1}, 8: {"halted": 1, "ended": 1}},
    "fails": {1: {"start": 1}, 8: {"halted": 1, "failed": 1}},
    "takes too long": {0: {"watchdog": 5}, 1: {"start": 1}, 8: {"bus_idle": 0}, 13: {"bus_idle": 1}},
    "is reset": {1: {"start": 1}, 8: {"reset": 1, "bus_idle": 0}, 13: {"bus_idle": 1}},
}


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("cycle", range(1, 20))
def test_no_soft_reset_is_lost(program, cycle):
    """It clears everything afterwards, and lasts until then."""
    frames = {**PROGRAMS[program]}
    frames[cycle] = {**frames.get(cycle, {}), "reset": 1}
    seen = rtl_cycles(frames, 30)
    last = max(seen["clear"])
    assert last > cycle
    assert seen["clear"][-1] == seen["core_reset"][-1] == seen["forget"][-1]
    assert {cycle + 1, last} <= set(seen["busy"])
    assert last in seen["resetting"]
    for name in ("busy", "done", "resetting", "stopped"):
        assert not any(after > last for after in seen[name]), name


def test_a_reset_that_follows_the_watchdog_at_once_takes_its_error_away():
    frames = {0: {"watchdog": 5}, 1: {"start": 1}, 12: {"reset": 1}}
    seen = rtl_cycles(frames, 20)
    assert seen["expired"] == [9]
    assert seen["core_reset"] == [12, 14]
    assert seen["forget"] == [2, 14]
    assert not seen["stopped"]
