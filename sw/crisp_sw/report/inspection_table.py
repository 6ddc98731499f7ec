"""The columns in which a network is looked at: in a terminal, as Markdown and as HTML."""

from collections.abc import Mapping
from typing import Any

from crisp_sw.report.numbers import count, ratio

HEADINGS = (
    ("layer", "name of the module"),
    ("K", "output channels"),
    ("R", "length of the reduction: taps times input channels of a group"),
    ("P", "output pixels"),
    ("B", "edge of a block"),
    ("N:M", "non-zeros in a group"),
    ("blocks", "kept of all"),
    ("dense MACs", "multiplications per image without sparsity"),
    ("MACs", "with weights that are not zero"),
    ("dense B", "bytes of the int8 weights"),
    ("packed B", "bytes of values and indices in the hybrid format"),
    ("cycles", "predicted for the layer alone on the core"),
    ("dense", "cycles of the same layer without sparsity on the same core"),
    ("speedup", "dense over sparse cycles"),
)
_NUMBERS = ("bytes_dense", "bytes_packed", "cycles_predicted", "cycles_dense")


def layer_cells(layer: Mapping[str, Any]) -> list[str]:
    """One row."""
    return [
        layer["name"],
        *(f"{layer[column]:,}" for column in ("K", "R", "P")),
        str(layer["block"] or "-"),
        f"{layer['n']}:{layer['m']}",
        f"{layer['kept_blocks']}/{layer['total_blocks']}",
        *_numbers(layer),
        ratio(layer["cycles_dense"] / max(1, layer["cycles_predicted"])),
    ]


def total_cells(totals: Mapping[str, Any]) -> list[str]:
    """The last row."""
    return ["total", *[""] * 6, *_numbers(totals), ratio(totals["speedup"])]


def _numbers(figures: Mapping[str, Any]) -> list[str]:
    macs = [count(figures[column]) for column in ("macs_dense", "macs")]
    return [*macs, *(f"{figures[column]:,}" for column in _NUMBERS)]
