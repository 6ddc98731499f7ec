"""Totals add up, and failures are named."""

import pytest

from crisp_sw.report import LAYER_KEYS, ReportError, failures, total_figures


def layer(name: str, **figures: object) -> dict:
    plain = dict.fromkeys(LAYER_KEYS, 1)
    return {**plain, "name": name, "bit_exact": True, **figures}


def test_totals_are_sums_and_their_ratios():
    totals = total_figures(
        [
            layer("a", bytes_dense=100, bytes_packed=30, cycles_dense=90, cycles_rtl=10, cycles_predicted=10),
            layer("b", bytes_dense=50, bytes_packed=20, cycles_dense=10, cycles_rtl=10, cycles_predicted=10),
        ]
    )
    assert totals["layers"] == 2
    assert totals["compression"] == 3
    assert totals["speedup"] == 5
    assert totals["utilization"] == pytest.approx(0.1)
    assert totals["bit_exact"] is True
    assert totals["cycles_exact"] is True


def test_errors_do_not_cancel_in_the_totals():
    layers = [layer("a", cycles_rtl=9, cycles_predicted=10), layer("b", cycles_rtl=10, cycles_predicted=9)]
    totals = total_figures(layers)
    assert totals["cycles_rtl"] == totals["cycles_predicted"]
    assert totals["cycles_exact"] is False
    assert [sentence.partition(":")[0] for sentence in failures(layers)] == ["a", "b"]


def test_missing_figures_are_named():
    incomplete = layer("a")
    del incomplete["cycles_ideal"], incomplete["n"]
    with pytest.raises(ReportError, match="layer 'a' of the report lacks n, cycles_ideal"):
        total_figures([incomplete])
    with pytest.raises(ReportError, match="no layers, expected at least one"):
        total_figures([])
