"""Pictures of a layer's sparsity: the kept blocks of its weight matrix, and one kept block close up."""

import numpy as np

from crisp_golden.arithmetic.network import Pattern, QuantizedConv

MAP_WIDTH, MAP_HEIGHT = 400, 110
MAX_CELL = 22
ZOOM = 96


def block_map(layer: QuantizedConv, pattern: Pattern) -> str:
    """SVG of ``block_mask``: one square per kept block, a line between kernel taps.

    Rows are blocks of output channels, columns are (tap, block of input channels), as in the format.
    """
    mask = pattern.block_mask
    rows, columns = mask.shape
    cell = min(MAX_CELL, MAP_WIDTH / columns, MAP_HEIGHT / rows) if rows * columns else MAX_CELL
    # Narrow matrices get wide cells, so that the picture of a small layer can be seen.
    width = min(MAX_CELL, max(cell, MAP_WIDTH / columns))
    height = min(MAX_CELL, max(cell, MAP_HEIGHT / rows))
    kept = "".join(f"M{c} {r}h1v1h-1z" for r, c in np.argwhere(mask))
    taps = layer.kernel[0] * layer.kernel[1]
    step = columns // taps
    borders = "".join(f"M{step * tap} 0v{rows}" for tap in range(1, taps))
    label = f"{int(mask.sum())} of {mask.size} blocks of {layer.name} are kept"
    return (
        f'<svg class="map" role="img" aria-label="{_attribute(label)}" viewBox="0 0 {columns} {rows}" '
        f'width="{columns * width:.0f}" height="{rows * height:.0f}" preserveAspectRatio="none">'
        f'<rect class="gone" width="{columns}" height="{rows}"/>'
        f'<path class="kept" d="{kept}"/><path class="tap" d="{borders}"/></svg>'
    )


def block_zoom(layer: QuantizedConv, pattern: Pattern) -> str:
    """SVG of one kept block: every weight a cell, stronger for larger magnitude; a line between groups."""
    values = first_kept_block(layer, pattern)
    if values is None:
        return ""
    edge, top = len(values), max(1, int(np.abs(values).max()))
    cells = "".join(
        f'<rect class="weight" x="{c + 0.06:g}" y="{r + 0.06:g}" width=".88" height=".88" '
        f'opacity="{0.3 + 0.7 * abs(int(values[r, c])) / top:.2f}"/>'
        for r, c in np.argwhere(values)
    )
    groups = "".join(f"M{c} 0v{edge}" for c in range(pattern.m, edge, pattern.m))
    label = f"one kept block of {layer.name}: at most {pattern.n} of {pattern.m} weights are left"
    return (
        f'<svg class="zoom" role="img" aria-label="{_attribute(label)}" viewBox="0 0 {edge} {edge}" '
        f'width="{ZOOM}" height="{ZOOM}"><rect class="gone" width="{edge}" height="{edge}"/>'
        f'{cells}<path class="group" d="{groups}"/></svg>'
    )


def first_kept_block(layer: QuantizedConv, pattern: Pattern) -> np.ndarray | None:
    """Weights int8[B, B] of the fullest of the first kept blocks; None if no block is kept.

    Edge blocks are padded with zeros. Rows are output channels, columns input channels of one tap.
    """
    edge, taps = pattern.block, layer.kernel[0] * layer.kernel[1]
    channel_blocks = pattern.block_mask.shape[1] // taps
    best = None
    for row, column in np.argwhere(pattern.block_mask)[:64]:
        tap, channel = divmod(int(column), channel_blocks)
        y, x = divmod(tap, layer.kernel[1])
        part = layer.weight[row * edge : (row + 1) * edge, channel * edge : (channel + 1) * edge, y, x]
        if best is None or np.count_nonzero(part) > np.count_nonzero(best):
            best = np.zeros((edge, edge), np.int8)
            best[: part.shape[0], : part.shape[1]] = part
    return best


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
