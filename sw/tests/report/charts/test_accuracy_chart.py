"""Intervals of accuracies, and how they are drawn."""

import re

import pytest

from crisp_sw.report.charts.accuracy_chart import (
    accuracy_chart,
    difference_interval,
    loss_text,
    score_interval,
)
from crisp_sw.results.accuracies import Accuracies

ACCURACY = Accuracies(dense=0.9993, dense_fine_tuned=0.999, pruned=0.9933, int8=0.9937)


def test_score_interval_is_that_of_the_literature():
    # R. G. Newcombe, Statistics in Medicine 17 (1998), p. 857-872, table I, method 3.
    for right, count, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611)):
        assert score_interval(right / count, count) == (
            pytest.approx(low, abs=5e-5),
            pytest.approx(high, abs=5e-5),
        )


def test_difference_interval_is_that_of_the_literature():
    # The same, p. 873-890, table II, method 10, the row of 9/10 - 3/10.
    low, high = difference_interval(9 / 10, 3 / 10, 10)
    assert (low, high) == (pytest.approx(0.1705, abs=5e-4), pytest.approx(0.8090, abs=5e-4))


def test_without_a_count_there_is_no_interval():
    assert score_interval(0.5, None) == (0.5, 0.5)
    assert loss_text(ACCURACY, "int8") == "\u22120.53 points"


def test_the_loss_is_against_the_dense_network_with_the_same_training():
    assert loss_text(ACCURACY, "pruned", 3000).startswith("\u22120.57 points (\u2212")
    assert loss_text(Accuracies(dense=0.9, int8=0.95), "int8") == "+5.00 points"
    assert loss_text(ACCURACY, "dense", 3000) == ""


def test_the_axis_shows_the_differences():
    html = accuracy_chart(ACCURACY, 3000)
    places = [float(share) for share in re.findall(r'<u style="--share:([\d.]+)"', html)]
    assert len(places) == 4
    assert max(places) - min(places) > 0.25
    assert "98 %" in html
    assert "100 %" in html
    firsts, lasts = (re.findall(rf"--{name}:([\d.]+)", html) for name in ("first", "last"))
    for place, first, last in zip(places, firsts, lasts, strict=True):
        assert 0 <= float(first) < place < float(last) <= 1


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_equal_accuracies_have_an_axis_too(value: float):
    html = accuracy_chart(Accuracies(dense=value, int8=value))
    assert all(0 <= float(share) <= 1 for share in re.findall(r"--share:([-\d.]+)", html))
