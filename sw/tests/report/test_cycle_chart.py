"""Bars are as long as their cycles, on one scale."""

import re

import pytest

from crisp_sw.report.cycle_chart import cycle_chart


def layer(name: str, dense: int | None, rtl: int, ideal: int) -> dict:
    cycles = {"cycles_dense": dense, "cycles_rtl": rtl, "cycles_predicted": rtl, "cycles_ideal": ideal}
    return {"name": name, **cycles}


def bars(svg: str, kind: str) -> list[float]:
    return [float(width) for width in re.findall(rf'class="{kind}"[^>]*? width="([\d.]+)"', svg)]


def test_bars_are_in_proportion():
    svg = cycle_chart([layer("a", 100_000, 10_000, 9_000), layer("b", 50_000, 25_000, 20_000)])
    dense, sparse = bars(svg, "dense"), bars(svg, "sparse")
    assert dense[0] == pytest.approx(2 * dense[1], rel=1e-3)
    assert sparse[0] == pytest.approx(dense[0] / 10, rel=1e-2)
    assert sparse[1] == pytest.approx(dense[0] / 4, rel=1e-2)


def test_every_bar_has_its_figures():
    svg = cycle_chart([layer("a<b", 100_000, 12_500, 9_000)])
    assert "a&lt;b: dense 100,000, RTL 12,500, predicted 12,500, ideal 9,000 cycles" in svg
    assert "8\u00d7" in svg


def test_layer_without_dense_cycles_has_no_bar_for_them():
    svg = cycle_chart([layer("a", None, 10_000, 9_000), layer("b", 5_000, 2_500, 2_000)])
    assert (len(bars(svg, "dense")), len(bars(svg, "sparse"))) == (1, 2)
    assert "a: dense does not fit, RTL 10,000, predicted 10,000, ideal 9,000 cycles" in svg
    assert bars(svg, "dense")[0] == pytest.approx(bars(svg, "sparse")[0] / 2, rel=1e-3)


@pytest.mark.parametrize("longest", [1, 7, 999, 12_345, 10**9])
def test_axis_has_a_few_round_steps(longest):
    svg = cycle_chart([layer("a", longest, 1, 1)])
    assert 2 <= svg.count('class="axis"') <= 11
