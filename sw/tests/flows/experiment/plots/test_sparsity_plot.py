"""Accuracy against sparsity: which panels there are, what is in them, and that all of it can be read."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from crisp_sw.flows.experiment.cells.grid import find_grid
from crisp_sw.flows.experiment.plots.sparsity_plot import draw_sparsity, panels_of
from sw.tests.flows.experiment.made_rows import made_rows

FULL = replace(find_grid("full"), classes=(10,), class_seeds=(0,))


def drawn(rows):
    figure = Figure(layout="constrained")
    draw_sparsity(figure, rows)
    FigureCanvasAgg(figure).draw()
    return figure


def test_methods_are_compared_in_a_panel_for_every_pattern():
    assert panels_of(made_rows(find_grid("headline"))) == [[((1, 4), 16), ((2, 4), 16)]]
    panels = panels_of(made_rows(FULL))
    assert [len(line) for line in panels] == [4, 4, 4]
    assert panels[0][:2] == [((1, 4), 4), ((1, 4), 8)]


@pytest.mark.parametrize("name", ["sparsity", "blocks", "classes"])
def test_one_method_has_one_panel(name):
    assert panels_of(made_rows(find_grid(name))) == [[(None, None)]]


def test_panel_has_a_line_for_every_method_that_fits_it_and_the_dense_one():
    axes = drawn(made_rows(FULL)).axes[0]
    assert axes.get_title() == "1:4, B = 4"
    assert len(axes.lines) == 10
    assert max(np.size(line.get_xdata()) for line in axes.lines) == 5


def test_nm_alone_of_a_ratio_without_a_panel_is_in_every_panel():
    rows = made_rows(find_grid("headline"))
    (lone,) = [row for row in rows if row.m == 16]
    figure = drawn(rows)
    for axes in figure.axes:
        heights = [np.asarray(line.get_ydata())[0] for line in axes.lines]
        assert 100 * (lone.accuracy or 0) in heights
    assert "1:16" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_legend_of_the_full_grid_lies_within_the_figure_and_beside_the_panels():
    figure = drawn(made_rows(FULL))
    (legend,) = figure.legends
    box, page = legend.get_window_extent(), figure.bbox
    assert page.x0 <= box.x0
    assert page.y0 <= box.y0
    assert box.x1 <= page.x1
    assert box.y1 <= page.y1
    assert max(axes.get_window_extent().x1 for axes in figure.axes) <= box.x0


def test_sparsity_rises_to_the_right_and_shows_all_targets():
    axes = drawn(made_rows(find_grid("sparsity"))).axes[0]
    left, right = axes.get_xlim()
    assert left > 20 > 5 > right
    shown = [label.get_text() for label in axes.get_xticklabels() if right <= label.get_position()[0] <= left]
    assert shown == ["80", "85", "90", "92", "95"]
