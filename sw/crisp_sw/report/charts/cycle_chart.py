"""Chart of cycles per layer: dense on the same hardware, sparse on the RTL, and the ideal."""

from collections.abc import Sequence
from html import escape

from crisp_sw.report.numbers import count, ratio
from crisp_sw.results.layers import InspectedLayer, RtlLayer

CoreLayer = RtlLayer | InspectedLayer


def cycle_chart(layers: Sequence[CoreLayer]) -> str:
    """HTML list with two bars per layer, each with its own number, and a mark at the ideal.

    A layer whose ``cycles_dense`` are None has no grey bar. Names link to the rows of the table.
    """
    longest = max((max(layer.cycles_dense or 0, layer.cycles) for layer in layers), default=1)
    rows = "".join(_row(i, layer, max(1, longest)) for i, layer in enumerate(layers))
    return f'<ol class="chart">{rows}</ol>'


def cycle_legend(where: str) -> str:
    """HTML keys of the chart's colours."""
    return (
        '<div class="legend"><span><b class="key-dense"></b>dense</span>'
        f'<span><b class="key-sparse"></b>sparse, {escape(where)}, and how many times faster</span>'
        '<span><b class="key-ideal"></b>ideal</span></div>'
    )


def row_anchor(index: int) -> str:
    """Id of a layer's row in the table of the page."""
    return f"layer-{index}"


def _row(index: int, layer: CoreLayer, longest: int) -> str:
    dense, sparse = layer.cycles_dense, layer.cycles
    above = '<div class="lane"><span class="soft">dense does not fit</span></div>'
    faster = ""
    if dense is not None and layer.speedup is not None:
        above = f'<div class="lane">{bar("dense", dense / longest)}<span>{count(dense)}</span></div>'
        faster = f" <em>{ratio(layer.speedup)}</em>"
    return (
        f'<li><a class="name" href="#{row_anchor(index)}">{escape(layer.name)}</a><div>{above}'
        f'<div class="lane">{bar("sparse", sparse / longest)}{mark("ideal", layer.cycles_ideal / longest)}'
        f"<span>{count(sparse)}{faster}</span></div></div></li>"
    )


def bar(kind: str, share: float) -> str:
    """HTML bar over a share of the chart's width."""
    return f'<i class="{kind}" style="--share:{share:.4f}"></i>'


def mark(kind: str, share: float) -> str:
    """HTML mark at a share of the chart's width."""
    return f'<u class="{kind}" style="--share:{share:.4f}"></u>'
