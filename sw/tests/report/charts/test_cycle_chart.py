"""Bars are as long as their cycles, on one scale, and have their own numbers."""

import re

import pytest

from crisp_sw.report.charts.cycle_chart import cycle_chart
from crisp_sw.results.layers import RtlLayer
from sw.tests.report.rtl_layers import rtl_layer


def layer(name: str, dense: int | None, rtl: int, ideal: int) -> RtlLayer:
    return rtl_layer(
        name, cycles_dense=dense, cycles_rtl=rtl, cycles_predicted=rtl, cycles_ideal=ideal, bit_exact=True
    )


def shares(html: str, kind: str) -> list[float]:
    return [float(share) for share in re.findall(rf'class="{kind}" style="--share:([\d.]+)"', html)]


def test_bars_are_in_proportion():
    html = cycle_chart([layer("a", 100_000, 10_000, 9_000), layer("b", 50_000, 25_000, 20_000)])
    assert shares(html, "dense") == [1, 0.5]
    assert shares(html, "sparse") == [0.1, 0.25]
    assert shares(html, "ideal") == [0.09, 0.2]


def test_every_bar_has_its_own_number_at_its_end():
    html = cycle_chart([layer("a<b", 100_000, 12_500, 9_000)])
    dense, sparse = re.findall(r'<div class="lane">(.*?)</div>', html)
    assert dense.endswith("</i><span>100 k</span>")
    assert sparse.endswith("<span>12.5 k <em>8\u00d7</em></span>")
    assert "a&lt;b</a>" in html


def test_names_link_to_the_rows_of_the_table():
    html = cycle_chart([layer("a", 2, 1, 1), layer("b", 2, 1, 1)])
    assert re.findall(r'href="#([^"]*)">(\w)</a>', html) == [("layer-0", "a"), ("layer-1", "b")]


def test_layer_without_dense_cycles_has_no_bar_for_them():
    html = cycle_chart([layer("a", None, 10_000, 9_000), layer("b", 5_000, 2_500, 2_000)])
    assert (shares(html, "dense"), shares(html, "sparse")) == ([0.5], [1, 0.25])
    assert html.count("dense does not fit") == 1


@pytest.mark.parametrize("longest", [0, 1, 10**9])
def test_no_bar_is_longer_than_the_chart(longest: int):
    html = cycle_chart([layer("a", longest, longest, longest)])
    assert all(0 <= share <= 1 for kind in ("dense", "sparse", "ideal") for share in shares(html, kind))
