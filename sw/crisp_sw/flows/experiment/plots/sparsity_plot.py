"""Accuracy against sparsity. Where methods are compared, every N:M and block size has a panel of its own."""

from collections.abc import Collection, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from crisp_sw.flows.experiment.cells.grid import Ratio
from crisp_sw.flows.experiment.plots.plot_style import (
    ACCURACY,
    COLORS,
    drawn,
    legend_entry,
    legend_of,
    ratio_of,
    style_of,
)
from crisp_sw.flows.experiment.results.cell_table import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TICKS = (0, 25, 50, 75, 80, 85, 90, 92, 95, 98, 99)
MARGIN = 1.2
Panel = tuple[Ratio | None, int | None]


def draw_sparsity(figure: "Figure", rows: Sequence[Row]) -> None:
    """Draw the averages of one user; the dense network is a line through every panel."""
    dense = [row for row in rows if row.method == "dense"]
    pruned = [row for row in rows if row.method != "dense"]
    panels = panels_of(pruned)
    height, width = len(panels), len(panels[0])
    figure.set_size_inches(max(8.0, 3.2 * width + 2), max(5.0, 2.6 * height + 1))
    grid = figure.subplots(height, width, sharex=True, sharey=True, squeeze=False)
    ratios = {ratio for ratio, _ in chain(*panels)}
    other = {ratio_of(row) for row in pruned} - ratios
    for panel, axes in zip(chain(*panels), grid.flat, strict=True):
        _draw_panel(axes, panel, pruned, everywhere=other)
        for row in dense:
            axes.axhline(100 * drawn(row.accuracy), color=COLORS["dense"], linestyle="--", linewidth=1.2)
    _scale(grid[0, 0], [100 * (1 - drawn(row.sparsity)) for row in pruned])
    entries = legend_of(pruned, patterns=height * width == 1 or bool(other - {None}))
    if dense:
        line = {"color": COLORS["dense"], "marker": "", "linestyle": "--"}
        entries.append(legend_entry("dense, fine-tuned", **line))
    figure.legend(handles=entries, loc="outside right upper", fontsize=8)
    figure.supxlabel("sparsity of the pruned layers, % (logarithmic in what stays)", fontsize="medium")
    figure.supylabel(ACCURACY, fontsize="medium")


def panels_of(rows: Sequence[Row]) -> list[list[Panel]]:
    """Return a line of panels for every N:M, with one for every block size; one line if there is one size.

    A single method with both has one panel, where markers tell them apart.
    """
    hybrid = [row for row in rows if row.n and row.block]
    if len({row.method for row in hybrid}) < 2:
        return [[(None, None)]]
    ratios = sorted({ratio for row in hybrid if (ratio := ratio_of(row))})
    blocks = sorted({row.block for row in hybrid if row.block})
    if len(blocks) == 1:
        return [[(ratio, blocks[0]) for ratio in ratios]]
    return [[(ratio, block) for block in blocks] for ratio in ratios]


def _draw_panel(
    axes: "Axes", panel: Panel, rows: Sequence[Row], *, everywhere: Collection[Ratio | None]
) -> None:
    """Draw the rows of a panel, and those of N:M, or of none, that no panel is of."""
    ratio, block = panel
    lines: dict[tuple, list[Row]] = {}
    for row in rows:
        if ratio_of(row) in (ratio, *everywhere) and (block is None or row.block in (block, None)):
            lines.setdefault((row.method, ratio_of(row), row.block), []).append(row)
    for line in lines.values():
        line.sort(key=lambda row: drawn(row.sparsity))
        stays = [100 * (1 - drawn(row.sparsity)) for row in line]
        axes.plot(stays, [100 * drawn(row.accuracy) for row in line], **style_of(line[0]))
    axes.grid(alpha=0.3)
    axes.tick_params(axis="x", labelsize=8)
    if ratio is not None:
        axes.set_title(f"{ratio[0]}:{ratio[1]}, B = {block}", fontsize="medium")


def _scale(axes: "Axes", stays: Sequence[float]) -> None:
    """Show percents that stay as sparsity, from the right to the left; all panels share the axis."""
    axes.set_xscale("log")
    axes.minorticks_off()
    axes.set_xticks([100 - tick for tick in TICKS], [str(tick) for tick in TICKS])
    axes.set_xlim(MARGIN * max(stays), min(stays) / MARGIN)
