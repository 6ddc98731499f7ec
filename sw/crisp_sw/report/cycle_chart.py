"""Chart of cycles per layer: dense on the same hardware, sparse on the RTL, and the ideal."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from crisp_sw.report.numbers import count, ratio

WIDTH, NAME_WIDTH, VALUE_WIDTH = 1000, 190, 150
ROW, BAR = 40, 13
AXIS = 26


def cycle_chart(layers: Sequence[Mapping[str, Any]]) -> str:
    """SVG with one row per layer: a grey bar (dense), a coloured bar (RTL) and a mark (ideal)."""
    scale = (WIDTH - NAME_WIDTH - VALUE_WIDTH) / max(1, *(_longest(layer) for layer in layers))
    height = ROW * len(layers) + AXIS
    rows = "".join(_row(layer, ROW * i, scale) for i, layer in enumerate(layers))
    return (
        f'<svg class="chart" role="img" aria-label="Cycles of each layer, dense and sparse" '
        f'viewBox="0 0 {WIDTH} {height}">{_grid(scale, height - AXIS)}{rows}</svg>'
    )


def _longest(layer: Mapping[str, Any]) -> int:
    return max(layer["cycles_dense"], layer["cycles_rtl"])


def _row(layer: Mapping[str, Any], top: int, scale: float) -> str:
    dense, rtl, ideal = (max(1, layer[f"cycles_{kind}"] * scale) for kind in ("dense", "rtl", "ideal"))
    first, second = top + 5, top + 5 + BAR + 2
    speedup = layer["cycles_dense"] / max(1, layer["cycles_rtl"])
    end = NAME_WIDTH + max(dense, rtl) + 8
    title = (
        f"{layer['name']}: dense {layer['cycles_dense']:,}, RTL {layer['cycles_rtl']:,}, "
        f"predicted {layer['cycles_predicted']:,}, ideal {layer['cycles_ideal']:,} cycles"
    )
    return (
        f"<g><title>{escape(title)}</title>"
        f'<text class="name" x="{NAME_WIDTH - 10}" y="{top + ROW / 2 + 4}">{escape(layer["name"])}</text>'
        f'<rect class="dense" x="{NAME_WIDTH}" y="{first}" width="{dense:.1f}" height="{BAR}" rx="2"/>'
        f'<rect class="sparse" x="{NAME_WIDTH}" y="{second}" width="{rtl:.1f}" height="{BAR}" rx="2"/>'
        f'<path class="ideal" d="M{NAME_WIDTH + ideal:.1f} {second - 2}v{BAR + 4}"/>'
        f'<text class="value" x="{end:.1f}" y="{top + ROW / 2 + 4}">'
        f'{count(layer["cycles_rtl"])} <tspan class="speedup">{ratio(speedup)}</tspan></text></g>'
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
