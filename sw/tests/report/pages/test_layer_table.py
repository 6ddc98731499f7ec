"""The table has every figure, and marks what failed."""

from crisp_sw.report import LAYER_KEYS, total_figures
from crisp_sw.report.pages.layer_table import COLUMNS, layer_table


def layer(**figures: object) -> dict:
    values = {key: 1000 + index for index, key in enumerate(LAYER_KEYS)}
    same = {"cycles_rtl": 5000, "cycles_predicted": 5000, "bit_exact": True, "name": "conv", "n": 2, "m": 4}
    return {**values, **same, **figures}


def test_all_figures_are_shown():
    figures = layer()
    html = layer_table([figures], total_figures([figures]))
    shown = ("K", "R", "P", "kept_blocks", "total_blocks", "bytes_dense", "bytes_packed", "cycles_dense")
    for key in shown:
        assert f"{figures[key]:,}" in html
    assert "2:4" in html
    assert 'class="wrong"' not in html
    assert html.count("<td") == 2 * (len(COLUMNS) - 1)


def test_layers_that_failed_are_marked():
    layers = [layer(bit_exact=False), layer(cycles_rtl=4999), layer()]
    html = layer_table(layers, total_figures(layers))
    assert html.count('class="wrong"') == 2
    assert html.count('class="bad"') == 2  # the layer and the total


def test_layer_without_a_pattern_is_dense():
    layers = [layer(block=None, n=1)]
    html = layer_table(layers, total_figures(layers))
    assert '<td>\u2013</td><td data-value="dense">dense</td><td>\u2013</td>' in html
    assert "1:4" not in html
