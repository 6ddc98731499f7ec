"""Plots of a sweep as files: accuracy against sparsity, and accuracy against cycles with the Pareto front."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crisp_files.atomic_files import new_file
from crisp_sw.flows.experiment.plots.cycles_plot import draw_cycles
from crisp_sw.flows.experiment.plots.sparsity_plot import draw_sparsity
from crisp_sw.flows.experiment.results.cell_table import Row, average_rows
from crisp_sw.optional_packages import require_packages

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")


def write_plots(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Write both plots of every network and number of classes, averaged over seeds, of the standard recipe.

    Returns
    -------
    The files, PNG and SVG; none for a user without two different cells to plot.

    Raises
    ------
    MissingPackageError : matplotlib is not installed.
    """
    require_packages("matplotlib", purpose="drawing the plots", extra="sweep")
    averaged = [row for row in average_rows(rows) if row.accuracy is not None and not row.variant]
    files = []
    for network, classes in dict.fromkeys((row.network, row.classes) for row in averaged):
        chosen = [row for row in averaged if (row.network, row.classes) == (network, classes)]
        timed = [row for row in chosen if row.cycles]
        title = f"{network}, {classes} user {'class' if classes == 1 else 'classes'}"
        for name, draw, drawn in (("sparsity", draw_sparsity, chosen), ("cycles", draw_cycles, timed)):
            if len(drawn) > 1:
                files += _save(drawn, title, draw, folder / f"accuracy-{name}-{network}-c{classes}")
    return files


def _save(
    rows: Sequence[Row], title: str, draw: "Callable[[Figure, Sequence[Row]], None]", stem: Path
) -> list[Path]:
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained")
    draw(figure, rows)
    figure.suptitle(title)
    files = []
    for suffix in FORMATS:
        path = stem.with_name(f"{stem.name}.{suffix}")
        with new_file(path) as temporary:
            figure.savefig(temporary, dpi=130, format=suffix)
        files.append(path)
    return files
