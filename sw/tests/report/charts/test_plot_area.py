"""Axes of pictures."""

import pytest

from crisp_sw.report.charts.plot_area import round_step, vertical


@pytest.mark.parametrize(
    ("step", "rounded"), [(0.3, 1), (1, 1), (4.9, 2), (70, 50), (199, 100), (2000, 2000)]
)
def test_round_step(step: float, rounded: int):
    assert round_step(step) == rounded


def test_labels_are_escaped():
    assert "&lt;1&gt;" in vertical(50, 0, 10, "<1>")
