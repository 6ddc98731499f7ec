"""The page of a network's run: complete, self-contained, and honest about failures."""

from dataclasses import replace

import pytest

from crisp_sw.report.pages.network_page import render_network_page
from sw.tests.report.html_pages import Page
from sw.tests.report.network_reports import made_up_report


@pytest.mark.parametrize("report", [made_up_report(), made_up_report(rtl=False), made_up_report(differing=3)])
def test_page_is_well_formed_and_refers_to_nothing_outside(report):
    page = Page(render_network_page(report))
    assert page.outside == {"data:", "data:application/json;base64"}
    assert page.tables == page.captions == 4
    assert None not in page.scopes


def test_page_says_what_was_found():
    page = render_network_page(made_up_report())
    for text in (
        "resnet50 on edge",
        "All 3 layers are bit-exact on the RTL",
        "within 0.10 %",
        "8.99\u00d7",
        "97.1 %",
        "resnet50: random weights, pruned by magnitude",
    ):
        assert text in page
    assert "Simulation" in page


def test_equal_cycles_are_called_equal():
    report = made_up_report()
    totals = replace(report.totals, cycles_counted=report.totals.cycles_predicted)
    page = render_network_page(replace(report, totals=totals))
    assert "the whole program takes exactly the predicted cycles" in page


def test_page_without_rtl_claims_none():
    page = render_network_page(made_up_report(rtl=False))
    assert "All 3 layers are bit-exact on golden&#x27;s simulator." in page
    assert "counted on the RTL" not in page
    assert ">Simulation<" not in page


def test_page_names_what_differs():
    page = render_network_page(made_up_report(differing=3))
    assert "Not bit-exact" in page
    assert "rtl, the whole network: fc&lt;&amp;&gt; differ" in page
    assert "verdict pass" not in page


def test_page_names_a_run_that_is_off_its_prediction():
    report = made_up_report()
    part, whole = report.runs
    late = replace(whole, counters={"total": 9000}, predicted=7000)
    page = render_network_page(replace(report, runs=(part, late)))
    assert "Bit-exact, but not in the predicted time." in page
    assert "rtl, the whole network: 9,000 cycles, predicted 7,000" in page
    assert "verdict pass" not in page


def test_names_are_escaped():
    report = replace(made_up_report(), network="<script>")
    assert render_network_page(report).count("<script>") == 1  # the page's own


def test_a_dense_network_that_does_not_fit_is_left_out():
    report = made_up_report()
    page = render_network_page(
        replace(
            report,
            totals=replace(report.totals, dense_predicted=None),
            layers=tuple(replace(layer, dense=None) for layer in report.layers),
        )
    )
    assert "the dense network does not fit" in page
    assert "None" not in page
