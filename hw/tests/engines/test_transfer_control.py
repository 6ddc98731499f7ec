"""Transfer control: tokens, start and end, refusal, errors."""

from typing import Any

import pytest

from crisp_hw.engines.transfer_control import TransferControl
from hw.tests.engines.control_trace import control_trace, cycles


def rtl_trace(frames: list[dict[str, Any]], *, waits: int = 1) -> list[dict[str, int]]:
    return control_trace(TransferControl(waits=waits, signals=1), frames)


COMMAND = {"valid": 1, "index": 3, "waits": 1, "signals": 1, "tokens": 1}


def test_a_command_takes_its_token_works_and_signals():
    trace = rtl_trace([COMMAND, {"tokens": 0}, {}, {}, {"finished": 1}, {"valid": 0, "finished": 0}])
    assert cycles(trace, "take") == [0]
    assert cycles(trace, "start") == [1]
    assert cycles(trace, "working") == [1, 2, 3, 4, 5]
    assert cycles(trace, "give") == cycles(trace, "next") == [5]


def test_it_waits_until_all_its_tokens_are_there():
    both = {**COMMAND, "waits": 3, "tokens": 0}
    trace = rtl_trace([both, {"tokens": 2}, {"tokens": 1}, {"tokens": 3}, {}], waits=2)
    assert [outputs["waiting"] for outputs in trace] == [1, 1, 2, 0, 0]
    assert [outputs["take"] for outputs in trace] == [0, 0, 0, 3, 0]
    assert cycles(trace, "start") == [4]


def test_a_command_without_work_only_moves_tokens():
    trace = rtl_trace([{**COMMAND, "sync": 1}, {}, {"valid": 0}])
    assert (cycles(trace, "take"), cycles(trace, "give"), cycles(trace, "next")) == ([0], [1], [1])
    assert not cycles(trace, "start") + cycles(trace, "working")


@pytest.mark.parametrize(("index", "refused"), [(2, False), (3, False), (4, True)])
def test_commands_behind_an_error_are_not_started(index, refused):
    frames = [{"stop": {"valid": 1, "index": 3}, "index": index}, {}, {**COMMAND, "index": index}, {}, {}]
    trace = rtl_trace(frames)
    assert cycles(trace, "start") == ([] if refused else [3])
    assert bool(trace[4]["stopped"]) == refused


def test_an_error_is_offered_until_it_is_taken_and_ends_everything():
    frames = [COMMAND, {}, {"finished": 1, "failure": 5}, {}, {}, {"error_ready": 1}, {}, {}]
    trace = rtl_trace(frames)
    assert [outputs["error"] for outputs in trace] == [0, 0, 0, 5, 5, 5, 0, 0]
    assert not cycles(trace, "next") + cycles(trace, "give")
    assert cycles(trace, "stopped") == [6, 7]
    assert cycles(trace, "start") == [1]
