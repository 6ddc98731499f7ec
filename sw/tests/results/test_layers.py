"""Totals add up, and failures are named."""

import pytest

from crisp_files.json_values import JsonValueError, from_json, to_json
from crisp_sw.results.layers import (
    InspectedLayer,
    InspectedTotals,
    NoLayersError,
    RtlTotals,
    rtl_failures,
)
from sw.tests.report.rtl_layers import FIGURES, rtl_layer

LAYERS = (
    rtl_layer("a", bytes_dense=100, bytes_packed=30, cycles_dense=90, cycles_rtl=10, cycles_predicted=10),
    rtl_layer("b", bytes_dense=50, bytes_packed=20, cycles_dense=10, cycles_rtl=10, cycles_predicted=10),
)


def test_totals_are_sums_and_their_ratios():
    totals = RtlTotals.of(LAYERS)
    assert totals.layers == 2
    assert totals.compression == 3
    assert totals.speedup == 5
    assert totals.utilization == 1800 / 20
    assert totals.bit_exact is True
    assert totals.cycles_exact is True


def test_speedup_is_of_the_cycles_that_were_measured():
    slow = rtl_layer(cycles_dense=90, cycles_rtl=30, cycles_predicted=10)
    assert slow.speedup == RtlTotals.of([slow]).speedup == 3


def test_errors_do_not_cancel_in_the_totals():
    layers = [
        rtl_layer("a", cycles_rtl=9, cycles_predicted=10),
        rtl_layer("b", cycles_rtl=10, cycles_predicted=9),
    ]
    totals = RtlTotals.of(layers)
    assert totals.cycles_rtl == totals.cycles_predicted
    assert totals.cycles_exact is False
    assert [sentence.partition(":")[0] for sentence in rtl_failures(layers)] == ["a", "b"]


def test_a_layer_that_differs_is_named():
    assert rtl_failures([rtl_layer("a", bit_exact=False)]) == [
        "a: the RTL's output differs from the golden model's"
    ]


def test_no_layers_have_no_totals():
    with pytest.raises(NoLayersError, match="no layers, expected at least one"):
        RtlTotals.of([])


def test_without_the_dense_cycles_of_a_layer_there_is_no_speedup():
    own = {"weights": 10, "nonzero": 4, "macs_dense": 100, "macs": 40, "dense_does_not_fit": None}
    shared = {name: FIGURES[name] for name in FIGURES if name not in ("cycles_rtl", "bit_exact")}
    fits = InspectedLayer(name="a", **shared, **own)
    not_dense = InspectedLayer(name="b", **{**shared, "cycles_dense": None}, **own)
    totals = InspectedTotals.of([fits, not_dense])
    assert (totals.cycles_dense, totals.speedup, not_dense.speedup) == (None, None, None)
    assert (totals.macs, totals.mac_reduction, totals.sparsity) == (80, 2.5, pytest.approx(0.6))
    assert fits.speedup == InspectedTotals.of([fits]).speedup == 8


def test_ratios_are_written_and_must_agree_when_they_are_read():
    written = to_json(RtlTotals.of(LAYERS))
    assert written["speedup"] == 5
    assert from_json(RtlTotals, written, "totals") == RtlTotals.of(LAYERS)
    with pytest.raises(JsonValueError, match=r"`totals.speedup` must be 5.0, which follows"):
        from_json(RtlTotals, {**written, "speedup": 6}, "totals")
