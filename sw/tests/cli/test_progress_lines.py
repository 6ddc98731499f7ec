"""Lines about long work: where it begins and ends, how far it is and how long the rest takes."""

import pytest

from crisp_cli.progress_lines import Pace, ProgressLines


class Clock:
    """A clock that stands still between the steps of a test."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lines() -> list[str]:
    return []


def test_the_rest_takes_as_long_as_what_was_seen(clock):
    pace = Pace(clock)
    assert pace.left(10, 100) == ""  # ten were there before
    clock.now += 60
    assert pace.seconds_left(30, 100) == 210
    assert pace.left(30, 100) == ", 0:03:30 left"
    assert pace.left(100, 100) == ""


def test_a_stage_is_said_when_it_begins_while_it_lasts_and_when_it_ends(clock, lines):
    show = ProgressLines(lines.append, clock=clock)
    for done in range(5):
        show("pruning", done, 4, f"loss {done}")
        clock.now += 20
    assert lines == [
        "pruning: 0 of 4, loss 0",
        "pruning: 2 of 4, 0:00:40 left, loss 2",
        "pruning: done in 0:01:20, loss 4",
    ]


def test_a_stage_that_is_continued_says_where(clock, lines):
    ProgressLines(lines.append, clock=clock)("pruning", 3, 8)
    assert lines == ["pruning: 3 of 8"]


def test_a_stage_that_is_over_at_once_is_one_line(lines):
    ProgressLines(lines.append)("accuracy", 360, 360, "92.50%")
    assert lines == ["accuracy: 360 of 360, 92.50%"]


def test_several_stages_do_not_disturb_each_other(clock, lines):
    show = ProgressLines(lines.append, clock=clock)
    for done in (0, 1):
        show("a", done, 1)
        show("b", done, 1)
    assert lines == ["a: 0 of 1", "b: 0 of 1", "a: done in 0:00:00", "b: done in 0:00:00"]


def test_short_stages_are_silent_if_they_are_not_announced(clock, lines):
    show = ProgressLines(lines.append, announce=False, clock=clock)
    for done in range(4):
        show("rtl_0", done, 3, "part 1")
        clock.now += 20
    assert lines == ["rtl_0: 2 of 3, 0:00:20 left, part 1"]
