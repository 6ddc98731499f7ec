"""The slot timer announces the last cycle of a slot in the cycle before it, once."""

import pytest

from crisp_hw.core.sequencing.slot_timer import SlotTimer
from hw.tests.simulate import trace


@pytest.mark.parametrize("cycles", [2, 3, 4, 17])
def test_a_slot_is_announced_one_cycle_before_its_last(cycles: int):
    frames = [{"begins": 1, "cycles_less_3": cycles - 3}, {"begins": 0}, *[{}] * 30]
    seen = [frame["ends_soon"] for frame in trace(SlotTimer(5), frames, ["ends_soon"])]
    # The slot begins in cycle 1.
    assert [cycle for cycle, ends_soon in enumerate(seen) if ends_soon] == [cycles - 1]


def test_slots_follow_each_other_without_a_gap():
    lengths = [2, 5, 3, 2, 9]
    starts = [sum(lengths[:number]) for number in range(len(lengths))]
    frames = [{"begins": 0} for _ in range(40)]
    for start, length in zip(starts, lengths, strict=True):
        frames[start] = {"begins": 1, "cycles_less_3": length - 3}
    seen = [frame["ends_soon"] for frame in trace(SlotTimer(4), frames, ["ends_soon"])]
    ends = [start + length - 1 for start, length in zip(starts, lengths, strict=True)]
    assert [cycle for cycle, ends_soon in enumerate(seen) if ends_soon] == ends


def test_nothing_is_announced_before_the_first_slot():
    assert not any(frame["ends_soon"] for frame in trace(SlotTimer(4), [{}] * 40, ["ends_soon"]))
