"""Roofline: how much work per beat of the bus every group has, and how much of the array it keeps busy.

The horizontal axis is the cycles that the array needs over the beats of the busier direction of the bus; with
less than one the bus is the limit. The vertical axis is the cycles that the array needs over those taken.
Nothing can lie above ``min(1, x)``. Both axes are logarithmic.
"""

from collections.abc import Mapping, Sequence
from html import escape
from math import floor, log2

from crisp_sw.report.charts.cause_chart import group_title
from crisp_sw.report.charts.plot_area import horizontal, plot, stretched, vertical
from crisp_sw.report.numbers import count, percent
from crisp_sw.results.network_run import BoundedGroup

HEIGHT, TOP, BOTTOM = 420, 34, 40
UNITS = 1000
"""Width of the roof's own coordinates."""


def roofline_picture(groups: Sequence[BoundedGroup], anchors: Mapping[str, str]) -> str:
    """SVG with one numbered disc per group, and a list of what the numbers are.

    The area of a disc is the cycles that the group takes; the largest has number 1.

    Parameters
    ----------
    anchors : ids of the rows that the first layers of the groups link to, by name.
    """
    ranked = sorted(groups, key=lambda group: -group.cycles)
    axes = _Axes(ranked)
    most = ranked[0].cycles
    discs = "".join(_disc(axes, number, group, most) for number, group in enumerate(ranked, 1))
    picture = plot("Roofline: work per beat of the bus, and use of the array", HEIGHT, axes.draw() + discs)
    names = "".join(_name(group, anchors) for group in ranked)
    return f'{picture}<ol class="points">{names}</ol>'


def roofline_legend() -> str:
    """HTML keys of the picture."""
    return (
        '<div class="legend"><span><b class="key-point"></b>bound by the array</span>'
        '<span><b class="key-memory"></b>bound by the bus</span>'
        "<span>area: cycles taken</span></div>"
    )


class _Axes:
    """Powers of two on both axes, wide enough for all groups, and the roof."""

    def __init__(self, groups: Sequence[BoundedGroup]):
        self.low_x = floor(log2(min(0.5, *map(_intensity, groups))))
        self.high_x = floor(log2(max(2, *map(_intensity, groups)))) + 1
        self.low_y = floor(log2(min(0.25, *map(_use, groups))))

    def x(self, power: float) -> float:
        """Place of 2 ** ``power`` in percent."""
        return 100 * (power - self.low_x) / (self.high_x - self.low_x)

    def y(self, power: float) -> float:
        """Place of 2 ** ``power`` in pixels; 0 is at the top."""
        return TOP + power / self.low_y * (HEIGHT - TOP - BOTTOM)

    def draw(self) -> str:
        """Grid, roof and titles."""
        bottom = self.y(self.low_y)
        parts = [self._roof(bottom)]
        for power in range(self.low_x, self.high_x + 1):
            parts.append(
                vertical(self.x(power), TOP, bottom, f"{2**power}" if power >= 0 else f"1/{2**-power}")
            )
        for power in range(self.low_y, 1):
            parts.append(horizontal(self.y(power), percent(2.0**power, 0)))
        parts.append('<text class="axis" x="0" y="12">use of the array</text>')
        parts.append(
            f'<text class="axis end" x="100%" y="{HEIGHT - 2}">cycles of work per beat of the bus</text>'
        )
        return "".join(parts)

    def _roof(self, bottom: float) -> str:
        """The line min(1, x), and what lies below it."""
        start, scale = max(self.low_x, self.low_y), UNITS / 100
        line = f"M{scale * self.x(start):.1f} {self.y(start) - TOP:.1f}L{scale * self.x(0):.1f} 0H{UNITS}"
        area = f"{line}V{bottom - TOP:.1f}H{scale * self.x(start):.1f}Z"
        shapes = f'<path class="below" d="{area}"/><path class="roof" d="{line}"/>'
        return stretched(UNITS, bottom - TOP, shapes, top=TOP, pixels=bottom - TOP)


def _intensity(group: BoundedGroup) -> float:
    bound = group.bound
    return max(1, bound.compute) / max(1, bound.read, bound.write)


def _use(group: BoundedGroup) -> float:
    return max(1, group.bound.compute) / max(1, group.cycles)


def _disc(axes: _Axes, number: int, group: BoundedGroup, most: int) -> str:
    """A disc with its number in it, or to its right where it is too small."""
    kind = "point" if group.bound.limit == "compute" else "point memory"
    x, y = axes.x(log2(_intensity(group))), axes.y(log2(_use(group)))
    radius = 4 + 20 * (group.cycles / max(1, most)) ** 0.5
    inside = radius > 10
    shift = 'class="tag middle" dy="4"' if inside else f'class="tag" dx="{radius + 3:.1f}" dy="4"'
    return (
        f'<circle class="{kind}" cx="{x:.2f}%" cy="{y:.1f}" r="{radius:.1f}"/>'
        f'<text {shift} x="{x:.2f}%" y="{y:.1f}">{number}</text>'
    )


def _name(group: BoundedGroup, anchors: Mapping[str, str]) -> str:
    name, more = group_title(group.stages)
    text = (
        f"{count(group.cycles)} cycles, {percent(_use(group))} of the array, "
        f"{_intensity(group):.3g} cycles of work per beat"
    )
    return (
        f'<li><a href="#{escape(anchors[name])}">{escape(name)}</a>{f" {more}" if more else ""}: '
        f'<span class="soft">{escape(text)}</span></li>'
    )
