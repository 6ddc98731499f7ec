"""Roofline: how much work per beat of the bus every group has, and how much of the array it keeps busy.

The horizontal axis is the cycles that the array needs over the beats of the busier direction of the bus; with
less than one the bus is the limit. The vertical axis is the cycles that the array needs over those taken.
Nothing can lie above ``min(1, x)``. Both axes are logarithmic.
"""

from collections.abc import Mapping, Sequence
from html import escape
from math import floor, log2
from typing import Any

from crisp_sw.report.cause_chart import group_title
from crisp_sw.report.numbers import count, percent

WIDTH, HEIGHT = 1000, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 30, 20, 50
LABELLED = 6
"""So many groups that take the most cycles are named, if there is room."""

LABEL_WIDTH, LABEL_HEIGHT = 130, 15


def roofline_picture(groups: Sequence[Mapping[str, Any]]) -> str:
    """SVG with one disc per group; its area is the cycles that the group takes."""
    points = [(_intensity(group), _use(group), group) for group in groups]
    axes = _Axes(
        low_x=floor(log2(min(0.5, *(x for x, _, _ in points)))),
        high_x=floor(log2(max(2, *(x for x, _, _ in points)))) + 1,
        low_y=floor(log2(min(0.25, *(y for _, y, _ in points)))),
    )
    most = max(group["cycles"] for group in groups)
    named = sorted(groups, key=lambda group: -group["cycles"])[:LABELLED]
    discs = "".join(_disc(axes, x, y, group, most) for x, y, group in points)
    names = _names(axes, [(_intensity(group), _use(group), group) for group in named], most)
    return (
        f'<svg class="chart" role="img" aria-label="Roofline: work per beat and use of the array" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}">{axes.draw()}{discs}{names}</svg>'
    )


def roofline_legend() -> str:
    """HTML keys of the picture."""
    return (
        '<div class="legend"><span><b class="key-point"></b>bound by the array</span>'
        '<span><b class="key-memory"></b>bound by the bus</span>'
        "<span>area: cycles taken</span></div>"
    )


class _Axes:
    """Powers of two on both axes, and the roof."""

    def __init__(self, *, low_x: int, high_x: int, low_y: int):
        self.low_x, self.high_x, self.low_y = low_x, high_x, low_y

    def x(self, power: float) -> float:
        """Place of 2 ** ``power``."""
        return LEFT + (power - self.low_x) / (self.high_x - self.low_x) * (WIDTH - LEFT - RIGHT)

    def y(self, power: float) -> float:
        """Place of 2 ** ``power``; 0 is at the top, a little below the edge."""
        return TOP + 12 + power / self.low_y * (HEIGHT - TOP - BOTTOM - 12)

    def draw(self) -> str:
        """Grid, roof and titles."""
        bottom, right = self.y(self.low_y), self.x(self.high_x)
        below, line = self._roof(bottom, right)
        parts = [below]
        for power in range(self.low_x, self.high_x + 1):
            x = self.x(power)
            label = f"{2**power}" if power >= 0 else f"1/{2**-power}"
            parts.append(
                f'<path class="grid" d="M{x:.1f} {TOP}V{bottom:.1f}"/>'
                f'<text class="axis" x="{x:.1f}" y="{bottom + 18:.1f}">{label}</text>'
            )
        for power in range(self.low_y, 1):
            y = self.y(power)
            parts.append(
                f'<path class="grid" d="M{LEFT} {y:.1f}H{right:.1f}"/>'
                f'<text class="axis end" x="{LEFT - 8}" y="{y + 4:.1f}">{percent(2.0**power, 0)}</text>'
            )
        parts.append(line)
        parts.append(
            f'<text class="title end" x="{right:.1f}" y="{HEIGHT - 8}">'
            "cycles of work per beat of the bus</text>"
            f'<text class="title" x="{LEFT + 8}" y="{TOP + 4}">use of the array</text>'
        )
        return "".join(parts)

    def _roof(self, bottom: float, right: float) -> tuple[str, str]:
        """What lies below the line min(1, x), and the line."""
        start = max(self.low_x, self.low_y)
        line = f"M{self.x(start):.1f} {self.y(start):.1f}L{self.x(0):.1f} {self.y(0):.1f}H{right:.1f}"
        area = f"{line}V{bottom:.1f}H{self.x(start):.1f}Z"
        return f'<path class="below" d="{area}"/>', f'<path class="roof" d="{line}"/>'


def _intensity(group: Mapping[str, Any]) -> float:
    bound = group["bound"]
    return max(1, bound["compute"]) / max(1, bound["read"], bound["write"])


def _use(group: Mapping[str, Any]) -> float:
    return max(1, group["bound"]["compute"]) / max(1, group["cycles"])


def _radius(group: Mapping[str, Any], most: int) -> float:
    return 4 + 20 * (group["cycles"] / max(1, most)) ** 0.5


def _disc(axes: _Axes, x: float, y: float, group: Mapping[str, Any], most: int) -> str:
    kind = "point" if group["bound"]["limit"] == "compute" else "point memory"
    text = (
        f"{', '.join(group['stages'])}: {x:.3g} cycles of work per beat, {percent(y)} of the array, "
        f"{count(group['cycles'])} cycles"
    )
    return (
        f'<circle class="{kind}" cx="{axes.x(log2(x)):.1f}" cy="{axes.y(log2(y)):.1f}" '
        f'r="{_radius(group, most):.1f}"><title>{escape(text)}</title></circle>'
    )


def _names(axes: _Axes, points: Sequence[tuple[float, float, Mapping[str, Any]]], most: int) -> str:
    """The first layer's name below each disc; a name that would cover another is left out."""
    placed: list[tuple[float, float]] = []
    parts = []
    for x, y, group in points:
        left = min(max(axes.x(log2(x)), LEFT + LABEL_WIDTH / 2), WIDTH - RIGHT - LABEL_WIDTH / 2)
        below = axes.y(log2(y)) + _radius(group, most) + 14
        if any(abs(left - u) < LABEL_WIDTH and abs(below - v) < LABEL_HEIGHT for u, v in placed):
            continue
        placed.append((left, below))
        name, more = group_title(group["stages"])
        parts.append(f'<text class="tag middle" x="{left:.1f}" y="{below:.1f}">{escape(name)} {more}</text>')
    return "".join(parts)
