"""Boxes on a grid and arrows between them, as SVG."""

from dataclasses import dataclass, field
from html import escape

COLUMN, ROW = 300, 120
"""Pixels from one place of the grid to the next."""
WIDTH, HEIGHT = 196, 66
MARGIN = 24
INK, GREY, ACCENT, PAPER, FILL = "#1d2733", "#5d6b7a", "#0b63b6", "#ffffff", "#eef3f8"
FONT = "font-family='system-ui, sans-serif'"


@dataclass(frozen=True)
class Box:
    """A box in the middle of a place of the grid.

    Attributes
    ----------
    column, row : of the grid, from 0; fractions lie between.
    title, text : the name, and a line below it.
    tags : smaller lines: what comes from or goes to boxes far away.
    """

    column: float
    row: float
    title: str
    text: str = ""
    tags: tuple[str, ...] = ()

    @property
    def centre(self) -> tuple[float, float]:
        return MARGIN + WIDTH / 2 + self.column * COLUMN, MARGIN + HEIGHT / 2 + self.row * ROW

    @property
    def height(self) -> float:
        return HEIGHT + max(0, 13 * len(self.tags) - 4)


@dataclass(frozen=True)
class Arrow:
    """From one box to another, along a straight line between their borders.

    Attributes
    ----------
    label : on the line, or above one that is level.
    dashed : for what is a signal rather than data.
    shift : pixels by which the line is moved sideways, so that two between the same boxes can be told apart.
    place : where along the line the label stands, from 0 to 1.
    """

    source: str
    target: str
    label: str = ""
    dashed: bool = False
    shift: float = 0
    place: float = 0.5


@dataclass
class Diagram:
    """A picture with a title for those who cannot see it."""

    title: str
    boxes: dict[str, Box]
    arrows: list[Arrow] = field(default_factory=list)

    def svg(self) -> str:
        """The whole file."""
        right = max(box.centre[0] for box in self.boxes.values()) + WIDTH / 2 + MARGIN
        bottom = max(box.centre[1] + box.height - HEIGHT / 2 for box in self.boxes.values()) + MARGIN
        parts = [
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {right:.0f} {bottom:.0f}' "
            f"width='{right:.0f}' height='{bottom:.0f}' role='img' {FONT}>",
            f"<title>{escape(self.title)}</title>",
            "<defs><marker id='head' viewBox='0 0 8 8' refX='8' refY='4' markerWidth='8' markerHeight='8' "
            "orient='auto' markerUnits='userSpaceOnUse'>"
            f"<path d='M0 0 8 4 0 8z' fill='{ACCENT}'/></marker></defs>",
            f"<rect width='100%' height='100%' fill='{PAPER}'/>",
            *[self._line(arrow) for arrow in self.arrows],
            *[_box(box) for box in self.boxes.values()],
            *[self._label(arrow) for arrow in self.arrows if arrow.label],
            "</svg>",
        ]
        return "\n".join(parts) + "\n"

    def _ends(self, arrow: Arrow) -> tuple[float, float, float, float]:
        source, target = self.boxes[arrow.source], self.boxes[arrow.target]
        (x0, y0), (x1, y1) = source.centre, target.centre
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        across = (-(y1 - y0) / length * arrow.shift, (x1 - x0) / length * arrow.shift)
        x0, y0, x1, y1 = x0 + across[0], y0 + across[1], x1 + across[0], y1 + across[1]
        start, end = _border(source, x0, y0, x1, y1), _border(target, x1, y1, x0, y0)
        return *start, *end

    def _line(self, arrow: Arrow) -> str:
        x0, y0, x1, y1 = self._ends(arrow)
        dashes = " stroke-dasharray='5 4'" if arrow.dashed else ""
        return (
            f"<path d='M{x0:.0f} {y0:.0f} {x1:.0f} {y1:.0f}' stroke='{ACCENT}' stroke-width='1.6' fill='none'"
            f"{dashes} marker-end='url(#head)'/>"
        )

    def _label(self, arrow: Arrow) -> str:
        x0, y0, x1, y1 = self._ends(arrow)
        x, y = x0 + (x1 - x0) * arrow.place, y0 + (y1 - y0) * arrow.place
        lines = arrow.label.split("\n")
        width = max(map(len, lines)) * 6.2 + 8
        level = abs(y1 - y0) < abs(x1 - x0) / 4
        top = y - 14 * len(lines) - 3 if level else y - 7 * len(lines)
        text = "".join(
            f"<text x='{x:.0f}' y='{top + 11 + 14 * number:.0f}' font-size='12' text-anchor='middle' "
            f"fill='{GREY}'>{escape(line)}</text>"
            for number, line in enumerate(lines)
        )
        return (
            f"<rect x='{x - width / 2:.0f}' y='{top:.0f}' width='{width:.0f}' height='{14 * len(lines)}' "
            f"fill='{PAPER}' fill-opacity='.92'/>{text}"
        )


def _box(box: Box) -> str:
    x, y = box.centre
    left, top = x - WIDTH / 2, y - HEIGHT / 2
    lines = [
        f"<rect x='{left:.0f}' y='{top:.0f}' width='{WIDTH}' height='{box.height:.0f}' rx='5' fill='{FILL}' "
        f"stroke='{INK}'/>",
        f"<text x='{x:.0f}' y='{top + (26 if box.text else 38):.0f}' font-size='15' font-weight='600' "
        f"text-anchor='middle' fill='{INK}'>{escape(box.title)}</text>",
    ]
    texts = [(box.text, 12, 45)] if box.text else []
    texts += [(tag, 11, 60 + 13 * number) for number, tag in enumerate(box.tags)]
    lines += [
        f"<text x='{x:.0f}' y='{top + below:.0f}' font-size='{size}' text-anchor='middle' fill='{GREY}'>"
        f"{escape(text)}</text>"
        for text, size, below in texts
    ]
    return "".join(lines)


def _border(box: Box, x: float, y: float, towards_x: float, towards_y: float) -> tuple[float, float]:
    """Where the line from (x, y) inside ``box`` leaves it."""
    centre_x, centre_y = box.centre
    left, right = centre_x - WIDTH / 2, centre_x + WIDTH / 2
    top, bottom = centre_y - HEIGHT / 2, centre_y - HEIGHT / 2 + box.height
    dx, dy = towards_x - x, towards_y - y
    steps = [1.0]
    if dx:
        steps.append(((right if dx > 0 else left) - x) / dx)
    if dy:
        steps.append(((bottom if dy > 0 else top) - y) / dy)
    step = min(step for step in steps if step >= 0)
    return x + dx * step, y + dy * step
