"""Chart of the cycles of every group of layers by cause, beside the bound that none can beat."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from crisp_golden.program.cycle_causes import CAUSES
from crisp_sw.report.numbers import count, percent

WIDTH, NAME_WIDTH, VALUE_WIDTH = 1000, 190, 150
ROW, BAR, AXIS = 26, 16, 26
ORDER = ("compute", *(cause for cause in CAUSES if cause != "compute"))

CAUSE_TEXTS = {
    "compute": "the array multiplies, or takes a maximum",
    "residual": "it fetches the residual tensor",
    "load": "it waits for weights or indices from the core's memories",
    "drain": "it waits for the output stage",
    "flush": "last window to last output of a job",
    "prologue": "a job fills the pipelines",
    "wait": "the core waits for the load or the store engine",
    "idle": "the core has no command",
}


def cause_chart(groups: Sequence[Mapping[str, Any]]) -> str:
    """SVG with one stacked bar per group, and a mark where its bound is."""
    longest = max(1, *(max(group["cycles"], group["bound"]["cycles"]) for group in groups))
    scale = (WIDTH - NAME_WIDTH - VALUE_WIDTH) / longest
    rows = "".join(_row(group, ROW * i, scale) for i, group in enumerate(groups))
    height = ROW * len(groups) + AXIS
    return (
        f'<svg class="chart" role="img" aria-label="Cycles of each group of layers by cause" '
        f'viewBox="0 0 {WIDTH} {height}">{_axis(scale, longest, height - AXIS)}{rows}</svg>'
    )


def cause_legend() -> str:
    """HTML keys of the chart's colours."""
    keys = "".join(
        f'<span title="{escape(CAUSE_TEXTS[cause])}"><b class="{cause}"></b>{cause}</span>' for cause in ORDER
    )
    return f'<div class="legend">{keys}<span><b class="key-bound"></b>bound</span></div>'


def group_title(layers: Sequence[str]) -> tuple[str, str]:
    """The first layer of a group, and how many more there are."""
    return layers[0], f"+{len(layers) - 1}" if len(layers) > 1 else ""


def _row(group: Mapping[str, Any], top: int, scale: float) -> str:
    parts, x = [], float(NAME_WIDTH)
    for cause in ORDER:
        width = group["causes"][cause] * scale
        if width > 0:
            parts.append(
                f'<rect class="{cause}" x="{x:.2f}" y="{top + 4}" width="{width:.2f}" height="{BAR}"/>'
            )
            x += width
    bound = NAME_WIDTH + group["bound"]["cycles"] * scale
    name, more = group_title(group["stages"])
    baseline = top + ROW / 2 + 4
    return (
        f"<g><title>{escape(_title(group))}</title>"
        f'<text class="name" x="{NAME_WIDTH - 10}" y="{baseline}">{escape(name)} '
        f'<tspan class="more">{more}</tspan></text>{"".join(parts)}'
        f'<path class="bound" d="M{bound:.2f} {top + 2}v{BAR + 4}"/>'
        f'<text class="value" x="{max(x, bound) + 8:.2f}" y="{baseline}">{count(group["cycles"])} '
        f'<tspan class="speedup">{percent(_reached(group), 0)}</tspan></text></g>'
    )


def _title(group: Mapping[str, Any]) -> str:
    causes = ", ".join(f"{cause} {group['causes'][cause]:,}" for cause in ORDER if group["causes"][cause])
    bound = group["bound"]
    return (
        f"{', '.join(group['stages'])} in {group['bands']} bands: {group['cycles']:,} cycles ({causes}); "
        f"at least {bound['cycles']:,}, because of {bound['limit']}"
    )


def _reached(group: Mapping[str, Any]) -> float:
    return group["bound"]["cycles"] / max(1, group["cycles"])


def _axis(scale: float, longest: int, height: int) -> str:
    step = round_step(longest / 5)
    marks = []
    for number in range(int(longest / step) + 1):
        x = NAME_WIDTH + number * step * scale
        marks.append(
            f'<path class="grid" d="M{x:.1f} 0v{height}"/>'
            f'<text class="axis" x="{x:.1f}" y="{height + 18}">{count(number * step)}</text>'
        )
    return "".join(marks)


def round_step(step: float) -> int:
    """The largest of 1, 2, 5 times a power of ten that is at most ``step``, at least 1."""
    power = 10 ** (len(str(max(1, int(step)))) - 1)
    return max(factor * power for factor in (1, 2, 5) if factor == 1 or factor * power <= step)
