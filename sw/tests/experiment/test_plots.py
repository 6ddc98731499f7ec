"""Plots are written, and the Pareto front is right."""

from crisp_sw.experiment.plots import pareto_front, write_plots
from crisp_sw.experiment.table import table_rows

from .test_table import results


def test_front_has_what_nothing_beats():
    rows = [{"cycles": cycles, "accuracy": accuracy} for cycles, accuracy in ((3, 7), (1, 5), (2, 4), (4, 7))]
    assert [(row["cycles"], row["accuracy"]) for row in pareto_front(rows)] == [(1, 5), (3, 7)]


def test_plots_are_png_and_svg(tmp_path):
    files = write_plots(table_rows(results()), tmp_path)
    assert sorted(file.name for file in files) == sorted(file.name for file in tmp_path.iterdir())
    assert [file.suffix for file in files] == [".png", ".svg"] * 2
    assert files[0].read_bytes().startswith(b"\x89PNG")


def test_single_cell_is_not_plotted(tmp_path):
    assert write_plots(table_rows(results()[1:2]), tmp_path) == []
