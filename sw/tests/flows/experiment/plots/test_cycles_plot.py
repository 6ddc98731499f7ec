"""Accuracy against cycles: the front is right, and a picture of thousands of cells can be read."""

from dataclasses import replace

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from crisp_sw.flows.experiment.cells.grid import find_grid
from crisp_sw.flows.experiment.plots.cycles_plot import draw_cycles, pareto_front
from sw.tests.flows.experiment.made_rows import made_rows


def test_front_has_what_nothing_beats():
    row = made_rows(find_grid("headline"))[0]
    points = ((3, 7), (1, 5), (2, 4), (4, 7))
    rows = [replace(row, cycles=cycles, accuracy=accuracy) for cycles, accuracy in points]
    assert [(row.cycles, row.accuracy) for row in pareto_front(rows)] == [(1, 5), (3, 7)]


def drawn(grid):
    figure = Figure(layout="constrained")
    draw_cycles(figure, made_rows(grid))
    FigureCanvasAgg(figure).draw()
    return figure


def test_legend_of_the_full_grid_names_each_kind_once_and_lies_within_the_figure():
    figure = drawn(replace(find_grid("full"), classes=(10,), class_seeds=(0,)))
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts[:2] == ["dense", "crisp"]
    assert texts[9:] == [
        *("1:4", "2:4", "3:4", "1:16", "no N:M"),
        *("B = 4", "B = 8", "B = 16", "B = 32"),
        "Pareto front, with targets",
    ]
    box = legend.get_window_extent()
    assert figure.bbox.y0 <= box.y0
    assert box.x1 <= figure.bbox.x1
    assert figure.axes[0].get_window_extent().x1 <= box.x0


def test_targets_are_written_beside_the_front_only_if_there_are_several():
    assert {text.get_text() for text in drawn(find_grid("sparsity")).axes[0].texts} >= {"80%", "95%"}
    assert list(drawn(find_grid("headline")).axes[0].texts) == []
