"""Plots of a sweep: accuracy against sparsity, and accuracy against cycles with the Pareto front."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crisp_sw.experiment.errors import ExperimentError
from crisp_sw.experiment.table import Row, average_rows

_COLORS = {
    "dense": "#222222",
    "crisp": "#c0392b",
    "reference-compat": "#e59866",
    "magnitude": "#8e44ad",
    "random": "#95a5a6",
    "nm-only": "#2471a3",
    "block-only": "#17a589",
    "unstructured": "#b7950b",
    "channel": "#5d6d7e",
}
_MARKERS = {(1, 4): "o", (2, 4): "s", (3, 4): "^"}
FORMATS = ("png", "svg")


def write_plots(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Write both plots of every network and number of classes, averaged over seeds.

    Returns
    -------
    The files, PNG and SVG; none for a user without two different cells to plot.

    Raises
    ------
    ExperimentError : matplotlib is not installed.
    """
    averaged = [row for row in average_rows(rows) if row["accuracy"] is not None and not row["variant"]]
    files = []
    for network, classes in dict.fromkeys((row["network"], row["classes"]) for row in averaged):
        chosen = [row for row in averaged if (row["network"], row["classes"]) == (network, classes)]
        if len(chosen) < 2:
            continue
        title = f"{network}, {classes} user classes"
        for name, draw in (("sparsity", _draw_sparsity), ("cycles", _draw_cycles)):
            files += _save(chosen, title, draw, folder / f"accuracy-{name}-{network}-c{classes}")
    return files


def pareto_front(rows: Sequence[Row]) -> list[Row]:
    """Rows that no other row beats in both cycles and accuracy, by rising cycles."""
    front: list[Row] = []
    for row in sorted(rows, key=lambda row: (row["cycles"], -row["accuracy"])):
        if not front or row["accuracy"] > front[-1]["accuracy"]:
            front.append(row)
    return front


def _save(rows: Sequence[Row], title: str, draw: Any, stem: Path) -> list[Path]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ExperimentError(
            "plots need matplotlib, which is not installed; expected: pip install 'crisp-stc[sweep]'"
        ) from error
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    draw(axes, rows)
    axes.set_title(title)
    axes.set_ylabel("accuracy on the user's validation images, %")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    stem.parent.mkdir(parents=True, exist_ok=True)
    files = []
    for suffix in FORMATS:
        path = stem.with_name(f"{stem.name}.{suffix}")
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{suffix}")
        figure.savefig(temporary, dpi=130)
        os.replace(temporary, path)
        files.append(path)
    return files


def _draw_sparsity(axes: Any, rows: Sequence[Row]) -> None:
    for label, line in _lines(rows).items():
        style = _style(line[0])
        line = sorted(line, key=lambda row: row["sparsity"])
        axes.plot(
            [100 * row["sparsity"] for row in line],
            [100 * row["accuracy"] for row in line],
            label=label,
            **style,
        )
    for row in rows:
        if row["method"] == "dense":
            axes.axhline(
                100 * row["accuracy"], color=_COLORS["dense"], linestyle="--", label="dense, fine-tuned"
            )
    axes.set_xlabel("sparsity of the pruned layers, %")


def _draw_cycles(axes: Any, rows: Sequence[Row]) -> None:
    placed = [row for row in rows if row["cycles"]]
    for label, line in _lines(placed, with_dense=True).items():
        style = {**_style(line[0]), "linestyle": "none"}
        axes.plot(
            [row["cycles"] / 1000 for row in line],
            [100 * row["accuracy"] for row in line],
            label=label,
            **style,
        )
    front = pareto_front(placed)
    axes.step(
        [row["cycles"] / 1000 for row in front],
        [100 * row["accuracy"] for row in front],
        where="post",
        color="#888888",
        linewidth=1,
        zorder=0,
        label="Pareto front",
    )
    axes.set_xlabel("predicted cycles per image, thousands")
    axes.set_xscale("log", subs=())
    axes.set_xticks(
        [mantissa * 10**power for power in range(-1, 6) for mantissa in (1, 2, 3, 5, 7)], minor=False
    )
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlim(0.9 * front[0]["cycles"] / 1000, 1.1 * max(row["cycles"] for row in placed) / 1000)


def _lines(rows: Sequence[Row], *, with_dense: bool = False) -> dict[str, list[Row]]:
    lines: dict[str, list[Row]] = {}
    for row in rows:
        if row["method"] == "dense" and not with_dense:
            continue
        ratio = f" {row['n']}:{row['m']}" if row["n"] else ""
        block = f" B={row['block']}" if row["block"] else ""
        lines.setdefault(f"{row['method']}{ratio}{block}", []).append(row)
    return lines


def _style(row: Row) -> dict[str, Any]:
    return {
        "color": _COLORS[row["method"]],
        "marker": _MARKERS.get((row["n"], row["m"]), "D"),
        "linewidth": 1.2,
        "markersize": 6,
    }
