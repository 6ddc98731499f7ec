"""Table with every figure of every layer, and the totals."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from crisp_sw.report.numbers import percent, ratio

_HEADINGS = (
    ("layer", "name of the module"),
    ("K", "output channels"),
    ("R", "length of the reduction: taps times input channels"),
    ("P", "output pixels"),
    ("B", "edge of a block"),
    ("N:M", "non-zeros in a group; of a layer without a pattern: dense"),
    ("blocks", "kept of all"),
    ("bytes dense", "int8 weights"),
    ("packed", "values and indices of the hybrid format"),
    ("cycles dense", "the same layer without sparsity on the same core"),
    ("RTL", "counted by the core in simulation"),
    ("predicted", "by the cycle model"),
    ("ideal", "non-zeros over multipliers"),
    ("speedup", "dense over RTL"),
    ("use", "ideal over RTL"),
    ("bit exact", "the RTL's output equals the golden model's"),
)


def layer_table(layers: Sequence[Mapping[str, Any]], totals: Mapping[str, Any]) -> str:
    """HTML table, one row per layer and a row of totals."""
    head = "".join(f'<th title="{escape(title)}">{escape(name)}</th>' for name, title in _HEADINGS)
    rows = "".join(_row(layer) for layer in layers)
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody>'
        f"<tfoot>{_total_row(totals)}</tfoot></table></div>"
    )


def _row(layer: Mapping[str, Any]) -> str:
    rtl = layer["cycles_rtl"]
    cells = [
        escape(layer["name"]),
        *(f"{layer[key]:,}" for key in ("K", "R", "P")),
        *_pattern(layer),
        *_costs(layer),
        ratio(layer["cycles_dense"] / max(1, rtl)),
        percent(layer["cycles_ideal"] / max(1, rtl)),
        _mark(layer["bit_exact"]),
    ]
    right = layer["bit_exact"] and rtl == layer["cycles_predicted"]
    return f"<tr>{_cells(cells)}</tr>" if right else f'<tr class="wrong">{_cells(cells)}</tr>'


def _total_row(totals: Mapping[str, Any]) -> str:
    cells = [
        "total",
        *[""] * 6,
        *_costs(totals),
        ratio(totals["speedup"]),
        percent(totals["utilization"]),
        _mark(totals["bit_exact"]),
    ]
    return f"<tr>{_cells(cells)}</tr>"


def _costs(figures: Mapping[str, Any]) -> list[str]:
    keys = ("bytes_dense", "bytes_packed", "cycles_dense", "cycles_rtl", "cycles_predicted", "cycles_ideal")
    return [f"{figures[key]:,.0f}" for key in keys]


def _cells(cells: Sequence[str]) -> str:
    return "".join(f"<td>{cell}</td>" for cell in cells)


def _pattern(layer: Mapping[str, Any]) -> list[str]:
    """Block, N:M and kept blocks; a layer without a pattern has none, whatever the array makes of it."""
    if not layer["block"]:
        return ["\u2013", "dense", "\u2013"]
    kept = f"{layer['kept_blocks']:,} / {layer['total_blocks']:,}"
    return [str(layer["block"]), f"{layer['n']}:{layer['m']}", kept]


def _mark(good: bool) -> str:
    return '<span class="good">\u2713 yes</span>' if good else '<span class="bad">\u2717 no</span>'
