"""Pictures with axes whose text keeps its size: positions are shares of the width, which alone shrinks."""

from html import escape


def plot(label: str, height: int, parts: str) -> str:
    """SVG as wide as its place and ``height`` pixels high; ``parts`` have x in percent and y in pixels."""
    return (
        f'<div class="plot"><svg role="img" aria-label="{escape(label)}" width="100%" height="{height}">'
        f"{parts}</svg></div>"
    )


def stretched(width: float, height: float, parts: str, *, top: float = 0, pixels: float) -> str:
    """Shapes in coordinates of their own, stretched over the whole width from ``top`` on."""
    return (
        f'<svg x="0" y="{top:.1f}" width="100%" height="{pixels:.1f}" viewBox="0 0 {width:g} {height:g}" '
        f'preserveAspectRatio="none">{parts}</svg>'
    )


def vertical(x: float, top: float, bottom: float, label: str) -> str:
    """A line of the grid at ``x`` percent, and its label below."""
    return (
        f'<line class="grid" x1="{x:.2f}%" x2="{x:.2f}%" y1="{top:.1f}" y2="{bottom:.1f}"/>'
        f'<text class="axis middle" x="{x:.2f}%" y="{bottom + 18:.1f}">{escape(label)}</text>'
    )


def horizontal(y: float, label: str) -> str:
    """A line of the grid at ``y`` pixels, and its label to the left."""
    return (
        f'<line class="grid" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="axis end" x="-8" y="{y + 4:.1f}">{escape(label)}</text>'
    )


def round_step(step: float) -> int:
    """The largest of 1, 2, 5 times a power of ten that is at most ``step``, at least 1."""
    power = 10 ** (len(str(max(1, int(step)))) - 1)
    return max(factor * power for factor in (1, 2, 5) if factor == 1 or factor * power <= step)
