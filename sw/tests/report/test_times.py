"""Cycles as time."""

import pytest

from crisp_sw.report.times import images_per_second, milliseconds, time_tile


@pytest.mark.parametrize(
    ("cycles", "clock", "time", "rate"),
    [
        (28494, 100, "0.285 ms", "3,510 images/s"),
        (1_059_444, 200, "5.3 ms", "189 images/s"),
        (10**9, 50, "20,000 ms", "0.05 images/s"),
    ],
)
def test_times(cycles: int, clock: float, time: str, rate: str):
    assert (milliseconds(cycles, clock), images_per_second(cycles, clock)) == (time, rate)


def test_the_clock_is_stated():
    tile = time_tile(1000, 120.5, "the core")
    assert tile.title == "Time per image at 120.5 MHz"
    assert tile.detail.startswith("120,500 images/s, the core")
