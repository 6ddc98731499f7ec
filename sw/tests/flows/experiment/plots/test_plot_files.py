"""Plots are written for every user with something to compare."""

from dataclasses import replace

from crisp_sw.flows.experiment.plots.plot_files import write_plots
from crisp_sw.flows.experiment.results.cell_table import table_rows
from sw.tests.flows.experiment.results.test_cell_table import results


def test_plots_are_png_and_svg(tmp_path):
    files = write_plots(table_rows(results()), tmp_path)
    assert sorted(file.name for file in files) == sorted(file.name for file in tmp_path.iterdir())
    assert [file.suffix for file in files] == [".png", ".svg"] * 2
    assert files[0].read_bytes().startswith(b"\x89PNG")
    assert "net, 10 user classes" in files[1].read_text()


def test_single_cell_is_not_plotted(tmp_path):
    assert write_plots(table_rows(results()[1:2]), tmp_path) == []


def test_networks_that_fit_no_core_have_no_plot_of_cycles(tmp_path):
    files = write_plots(table_rows([replace(result, cycles=None) for result in results()]), tmp_path)
    assert [file.stem for file in files] == ["accuracy-sparsity-net-c10"] * 2
