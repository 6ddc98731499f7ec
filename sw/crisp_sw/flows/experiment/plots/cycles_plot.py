"""Accuracy against cycles: all cells in one picture, with the Pareto front."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crisp_sw.flows.experiment.plots.plot_style import (
    ACCURACY,
    GREY,
    drawn,
    legend_entry,
    legend_of,
    style_of,
)
from crisp_sw.flows.experiment.results.cell_table import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TICKS = [mantissa * 10**power for power in range(-1, 6) for mantissa in (1, 2, 3, 5, 7)]


def draw_cycles(figure: "Figure", rows: Sequence[Row]) -> None:
    """Draw the averages of one user, all of which have cycles; of several targets, the front's are named."""
    figure.set_size_inches(8, 5)
    axes = figure.subplots()
    for row in rows:
        axes.plot(drawn(row.cycles) / 1000, 100 * drawn(row.accuracy), **style_of(row))
    front = pareto_front(rows)
    cycles, accuracies = (
        [drawn(row.cycles) / 1000 for row in front],
        [100 * drawn(row.accuracy) for row in front],
    )
    axes.step(cycles, accuracies, where="post", color=GREY, linewidth=1, zorder=1)
    several = len({row.target for row in rows if row.target}) > 1
    for row, x, y in zip(front, cycles, accuracies, strict=True):
        if several and row.target:
            text = f"{100 * row.target:g}%"
            axes.annotate(text, (x, y), (-4, 4), textcoords="offset points", ha="right", fontsize=7)
    axes.set_xscale("log", subs=())
    axes.set_xticks(TICKS)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlim(0.85 * cycles[0], 1.1 * max(drawn(row.cycles) for row in rows) / 1000)
    axes.set_xlabel("predicted cycles per image, thousands")
    axes.set_ylabel(ACCURACY)
    axes.grid(alpha=0.3)
    name = "Pareto front, with targets" if several else "Pareto front"
    entries = [*legend_of(rows, patterns=True), legend_entry(name, marker="", linestyle="-", linewidth=1)]
    figure.legend(handles=entries, loc="outside right upper", fontsize=8)


def pareto_front(rows: Sequence[Row]) -> list[Row]:
    """Rows that no other row beats in both cycles and accuracy, by rising cycles."""
    front: list[Row] = []
    for row in sorted(rows, key=lambda row: (drawn(row.cycles), -drawn(row.accuracy))):
        if not front or drawn(row.accuracy) > drawn(front[-1].accuracy):
            front.append(row)
    return front
