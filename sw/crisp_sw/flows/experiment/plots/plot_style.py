"""What plots of a sweep have in common: colours are methods, markers N:M, larger ones larger blocks."""

from collections.abc import Iterable, Sequence
from math import log2
from typing import TYPE_CHECKING, Any

from crisp_sw.flows.experiment.cells.grid import Ratio
from crisp_sw.flows.experiment.results.cell_table import Row

if TYPE_CHECKING:
    from matplotlib.lines import Line2D

ACCURACY = "accuracy on the user's validation images, %"
# Okabe and Ito's colours, which also people who see fewer colours tell apart; brown for their yellow.
COLORS = {
    "dense": "#000000",
    "crisp": "#d55e00",
    "magnitude": "#cc79a7",
    "random": "#999999",
    "reference-compat": "#e69f00",
    "nm-only": "#0072b2",
    "block-only": "#009e73",
    "unstructured": "#7f4f24",
    "channel": "#56b4e9",
}
GREY = "#888888"
MARKERS = {(1, 4): "o", (2, 4): "s", (3, 4): "^", (1, 16): "v"}
OTHER_MARKER = "D"


def ratio_of(row: Row) -> Ratio | None:
    """N:M of a row, if it has one."""
    return (row.n, row.m) if row.n and row.m else None


def drawn(figure: float | None) -> float:
    """A figure that every row of a plot has: rows without it are not drawn."""
    assert figure is not None
    return figure


def style_of(row: Row) -> dict[str, Any]:
    """How to draw a row; white edges keep apart what lies upon each other, and small markers come on top."""
    size = _marker_size(row.block)
    return {
        "color": COLORS[row.method],
        "marker": MARKERS.get(ratio_of(row) or (0, 0), OTHER_MARKER),
        "markersize": size,
        "markeredgecolor": "white",
        "linewidth": 1.2,
        "zorder": 4 - size / 100 if row.method == "crisp" else 3 - size / 100,
    }


def legend_of(rows: Sequence[Row], *, patterns: bool) -> "list[Line2D]":
    """Entries of a legend: the methods; with ``patterns`` also each N:M and, of several, each block size."""
    methods = {row.method for row in rows}
    entries = [legend_entry(name, color=color) for name, color in COLORS.items() if name in methods]
    if not patterns:
        return entries
    ratios = sorted(_present(ratio_of(row) for row in rows), key=lambda ratio: ratio[::-1])
    blocks = sorted(_present(row.block for row in rows))
    entries += [legend_entry(f"{n}:{m}", marker=MARKERS.get((n, m), OTHER_MARKER)) for n, m in ratios]
    if any(ratio_of(row) is None for row in rows):
        entries.append(legend_entry("no N:M", marker=OTHER_MARKER))
    if len(blocks) > 1:
        entries += [legend_entry(f"B = {block}", markersize=_marker_size(block)) for block in blocks]
    return entries


def legend_entry(label: str, **style: Any) -> "Line2D":
    """An entry of a legend: a grey disc with nothing else, unless the style has it."""
    from matplotlib.lines import Line2D

    plain = {"color": GREY, "marker": "o", "linestyle": "none", "markeredgecolor": "white"}
    return Line2D([], [], label=label, **{**plain, **style})


def _marker_size(block: int | None) -> float:
    """In points: blocks of 4, 8, 16 and 32 are told apart."""
    return 6.5 if block is None else 1.2 + 1.7 * log2(block)


def _present(values: Iterable[Any]) -> set[Any]:
    return {value for value in values if value is not None}
