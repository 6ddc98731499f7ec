"""Job control: the next job begins before the one before has ended, tokens are put down at its end."""

from typing import Any

from crisp_hw.engines.job_control import JobControl
from hw.tests.engines.control_trace import control_trace, cycles

FIRST = {"valid": 1, "index": 3, "waits": 1, "signals": 1, "tokens": 1, "ready": 1}
SECOND = {"index": 4, "signals": 0}


def rtl_trace(frames: list[dict[str, Any]]) -> list[dict[str, int]]:
    return control_trace(JobControl(waits=1, signals=1), frames, ("ending", "ending_index"))


def test_a_command_leaves_the_head_when_the_core_is_ready_and_signals_when_its_job_is_done():
    frames = [FIRST, {}, {"ready": 0}, {}, {"ready": 1}, {"valid": 0}, {"done": 1}, {"done": 0}, {}]
    trace = rtl_trace(frames)
    assert (cycles(trace, "take"), cycles(trace, "start"), cycles(trace, "next")) == ([0], [1], [4])
    assert cycles(trace, "give") == [7]
    assert cycles(trace, "ending") == [5, 6, 7]
    assert cycles(trace, "working") == [1, 2, 3, 4, 5, 6, 7]
    assert cycles(trace, "stopped") == [8]


def test_the_next_command_starts_while_the_job_before_is_ending():
    frames = [FIRST, {}, {"ready": 0}, {"ready": 1}, SECOND, {}, {"ready": 0}, {"done": 1}, {"done": 0}]
    trace = rtl_trace(frames)
    assert cycles(trace, "take") == [0, 4]
    assert cycles(trace, "start") == [1, 5]
    assert cycles(trace, "give") == [8]  # what the first command owes, not the second
    assert [outputs["ending_index"] for outputs in trace[4:9]] == [3] * 5
    assert cycles(trace, "next") == [3]


def test_a_command_that_waits_for_a_token_shows_it_while_a_job_is_ending():
    frames = [FIRST, {}, {"ready": 0}, {"ready": 1}, {**SECOND, "tokens": 0}, {"done": 1}, {"done": 0}, {}]
    trace = rtl_trace(frames)
    assert cycles(trace, "waiting") == [4, 5, 6, 7]
    assert cycles(trace, "give") == [6]


def test_a_command_without_work_waits_for_the_job_before_it():
    sync = {"index": 4, "sync": 1}
    frames = [FIRST, {}, {"ready": 0}, {"ready": 1}, sync, {}, {"done": 1}, {"done": 0}, {}, {}, {"valid": 0}]
    trace = rtl_trace(frames)
    assert cycles(trace, "take") == [0, 8]
    assert cycles(trace, "give") == [7, 9]
    assert cycles(trace, "next") == [3, 9]
    assert cycles(trace, "start") == [1]


def test_commands_behind_an_error_are_not_started_and_the_job_before_ends():
    stop = {"stop": {"valid": 1, "index": 3}}
    frames = [FIRST, stop, {"ready": 0}, {"ready": 1}, SECOND, {}, {"done": 1}, {"done": 0}, {}]
    trace = rtl_trace(frames)
    assert cycles(trace, "start") == [1]
    assert cycles(trace, "give") == [7]
    assert cycles(trace, "stopped") == [8]
