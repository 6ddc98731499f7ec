"""Loads of narrow rows, beat by beat: nothing waits where rows are long, and short ones take three cycles."""

import pytest

from crisp_golden.cycles.load_path import NarrowLoad
from crisp_spec.dma_latencies import LOAD_END, READ_DELAY, ROW_CYCLES

FIRST, BEATS = 48, 120


def test_beats_of_long_rows_pass_as_they_come():
    load = NarrowLoad(0, BEATS)
    for beat in range(FIRST, FIRST + BEATS):
        assert load.pass_loaded(beat) == beat
        assert load.taken == beat + READ_DELAY
    assert load.end == FIRST + BEATS - 1 + LOAD_END


@pytest.mark.parametrize("row_beats", [1, 2])
def test_a_short_row_takes_three_cycles_once_the_queues_are_full(row_beats: int):
    load, bus = NarrowLoad(0, row_beats), FIRST - 1
    taken = []
    for _ in range(BEATS):
        bus = load.pass_loaded(bus + 1)
        taken.append(bus)
    settled = taken[BEATS // 2 :]
    later = zip(settled, settled[row_beats:], strict=False)
    assert {late - early for early, late in later} == {ROW_CYCLES}
    assert taken[:8] == list(range(FIRST, FIRST + 8))


def test_beats_that_come_slowly_do_not_wait():
    load = NarrowLoad(0, 1)
    for beat in range(FIRST, FIRST + BEATS * ROW_CYCLES, ROW_CYCLES):
        assert load.pass_loaded(beat) == beat
    assert load.end == beat + LOAD_END


def test_commands_wait_behind_beats_of_the_load():
    load, bus = NarrowLoad(0, 1), FIRST - 1
    for _ in range(BEATS):
        bus = load.pass_loaded(bus + 1)
    late = load.taken
    assert late > bus + READ_DELAY
    assert load.pass_fetched(bus + 1) > bus
    assert load.taken > late
    assert load.pass_fetched(late + 100) == late + 100
