"""The table has every figure, and marks what failed."""

from crisp_sw.report.pages.layer_table import COLUMNS, layer_table
from crisp_sw.results.layers import RtlTotals
from sw.tests.report.rtl_layers import rtl_layer


def layer(**figures: object):
    values = {"K": 1001, "R": 1002, "P": 1003, "kept_blocks": 1007, "total_blocks": 1008}
    values |= {"bytes_dense": 1009, "bytes_packed": 1010, "cycles_dense": 1014, "n": 2}
    return rtl_layer(**{**values, "cycles_rtl": 5000, "cycles_predicted": 5000, **figures})


def test_all_figures_are_shown():
    figures = layer()
    html = layer_table([figures], RtlTotals.of([figures]))
    shown = ("K", "R", "P", "kept_blocks", "total_blocks", "bytes_dense", "bytes_packed", "cycles_dense")
    for key in shown:
        assert f"{getattr(figures, key):,}" in html
    assert "2:4" in html
    assert 'class="wrong"' not in html
    assert html.count("<td") == 2 * (len(COLUMNS) - 1)


def test_layers_that_failed_are_marked():
    layers = [layer(bit_exact=False), layer(cycles_rtl=4999), layer()]
    html = layer_table(layers, RtlTotals.of(layers))
    assert html.count('class="wrong"') == 2
    assert html.count('class="bad"') == 2  # the layer and the total


def test_layer_without_a_pattern_is_dense():
    layers = [layer(block=None, n=1)]
    html = layer_table(layers, RtlTotals.of(layers))
    assert '<td>\u2013</td><td data-value="dense">dense</td><td>\u2013</td>' in html
    assert "1:4" not in html
