"""Chart of cycles per layer: dense on the same hardware, sparse on the RTL, and the ideal."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Literal

from crisp_sw.report.numbers import count, ratio

WIDTH, NAME_WIDTH, VALUE_WIDTH = 1000, 190, 150
ROW, BAR = 40, 13
AXIS = 26
Shown = Literal["cycles_rtl", "cycles_predicted"]


def cycle_chart(layers: Sequence[Mapping[str, Any]], *, shown: Shown = "cycles_rtl") -> str:
    """SVG with one row per layer: a grey bar (dense), a coloured one (RTL or predicted), a mark (ideal).

    A layer whose ``cycles_dense`` are None has no grey bar.
    """
    longest = max((max(layer["cycles_dense"] or 0, layer[shown]) for layer in layers), default=1)
    scale = (WIDTH - NAME_WIDTH - VALUE_WIDTH) / max(1, longest)
    height = ROW * len(layers) + AXIS
    rows = "".join(_row(layer, shown, ROW * i, scale) for i, layer in enumerate(layers))
    return (
        f'<svg class="chart" role="img" aria-label="Cycles of each layer, dense and sparse" '
        f'viewBox="0 0 {WIDTH} {height}">{_grid(scale, height - AXIS)}{rows}</svg>'
    )


def _row(layer: Mapping[str, Any], shown: Shown, top: int, scale: float) -> str:
    sparse, ideal = (max(1, layer[key] * scale) for key in (shown, "cycles_ideal"))
    first, second = top + 5, top + 5 + BAR + 2
    longest, bar, speedup, dense = sparse, "", "", "does not fit"
    if layer["cycles_dense"] is not None:
        width = max(1, layer["cycles_dense"] * scale)
        longest, dense = max(width, sparse), f"{layer['cycles_dense']:,}"
        bar = f'<rect class="dense" x="{NAME_WIDTH}" y="{first}" width="{width:.1f}" height="{BAR}" rx="2"/>'
        speedup = ratio(layer["cycles_dense"] / max(1, layer[shown]))
    counted = f"RTL {layer['cycles_rtl']:,}, " if shown == "cycles_rtl" else ""
    title = (
        f"{layer['name']}: dense {dense}, {counted}"
        f"predicted {layer['cycles_predicted']:,}, ideal {layer['cycles_ideal']:,} cycles"
    )
    return (
        f"<g><title>{escape(title)}</title>"
        f'<text class="name" x="{NAME_WIDTH - 10}" y="{top + ROW / 2 + 4}">{escape(layer["name"])}</text>'
        f"{bar}"
        f'<rect class="sparse" x="{NAME_WIDTH}" y="{second}" width="{sparse:.1f}" height="{BAR}" rx="2"/>'
        f'<path class="ideal" d="M{NAME_WIDTH + ideal:.1f} {second - 2}v{BAR + 4}"/>'
        f'<text class="value" x="{NAME_WIDTH + longest + 8:.1f}" y="{top + ROW / 2 + 4}">'
        f'{count(layer[shown])} <tspan class="speedup">{speedup}</tspan></text></g>'
    )


def _grid(scale: float, height: int) -> str:
    longest = (WIDTH - NAME_WIDTH - VALUE_WIDTH) / scale
    step = _round_step(longest / 4)
    lines = []
    position = 0.0
    while position <= longest:
        x = NAME_WIDTH + position * scale
        lines.append(
            f'<path class="grid" d="M{x:.1f} 0v{height}"/>'
            f'<text class="axis" x="{x:.1f}" y="{height + 18}">{count(position)}</text>'
        )
        position += step
    return "".join(lines)


def _round_step(step: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is at most ``step``, at least 1."""
    power = 10.0 ** (len(str(max(1, int(step)))) - 1)
    return max(factor * power for factor in (1, 2, 5) if factor == 1 or factor * power <= step)
