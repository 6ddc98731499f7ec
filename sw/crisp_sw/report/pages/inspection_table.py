"""The columns in which a network is looked at: in a terminal, as Markdown and as HTML."""

from collections.abc import Sequence

from crisp_sw.report.numbers import count, ratio
from crisp_sw.results.layers import InspectedLayer, InspectedTotals

HEADINGS = (
    ("layer", "name of the module"),
    ("K", "output channels"),
    ("R", "length of the reduction: taps times input channels of a group"),
    ("P", "output pixels"),
    ("B", "edge of a block"),
    ("N:M", "non-zeros in a group; of a layer without a pattern: dense"),
    ("blocks", "kept of all"),
    ("dense MACs", "multiplications per image without sparsity"),
    ("MACs", "with weights that are not zero"),
    ("dense B", "bytes of the int8 weights"),
    ("packed B", "bytes of values and indices in the hybrid format"),
    ("cycles", "predicted for the layer alone on the core"),
    ("dense", "cycles of the same layer without sparsity on the same core"),
    ("speedup", "dense over sparse cycles"),
)
NOTHING = "-"
_NUMBERS = ("bytes_dense", "bytes_packed", "cycles_predicted", "cycles_dense")


def layer_cells(layer: InspectedLayer) -> list[str]:
    """One row, with a dash for what a layer without a pattern, or without dense cycles, does not have."""
    pattern = [NOTHING, "dense", NOTHING]
    if layer.block:
        pattern = [
            str(layer.block),
            f"{layer.n}:{layer.m}",
            f"{layer.kept_blocks}/{layer.total_blocks}",
        ]
    return [
        layer.name,
        *(f"{getattr(layer, column):,}" for column in ("K", "R", "P")),
        *pattern,
        *_numbers(layer),
        speedup_text(layer.speedup),
    ]


def total_cells(totals: InspectedTotals) -> list[str]:
    """The last row."""
    return ["total", *[""] * 6, *_numbers(totals), speedup_text(totals.speedup)]


def speedup_text(value: float | None) -> str:
    """How many times faster than dense; a dash where that does not fit."""
    return NOTHING if value is None else ratio(value)


def dense_misfits(layers: Sequence[InspectedLayer], preset: str) -> str:
    """Why layers have no dense cycles, in one sentence; empty if all have them."""
    misfits = [layer for layer in layers if layer.cycles_dense is None]
    if not misfits:
        return ""
    first, more = misfits[0], f" and {len(misfits) - 1} more" if len(misfits) > 1 else ""
    return (
        f"dense, {first.name}{more} would not fit the preset {preset} "
        f"({first.dense_does_not_fit}): no speedup over it"
    )


def _numbers(figures: InspectedLayer | InspectedTotals) -> list[str]:
    macs = [count(figures.macs_dense), count(figures.macs)]
    numbers = [getattr(figures, column) for column in _NUMBERS]
    return [*macs, *(NOTHING if number is None else f"{number:,}" for number in numbers)]
