"""Table with every figure of every layer that ran on the RTL, and the totals."""

from collections.abc import Sequence
from html import escape

from crisp_golden.cycles.layer_report import LayerFigures
from crisp_sw.report.charts.cycle_chart import row_anchor
from crisp_sw.report.charts.pattern_cards import card_anchor
from crisp_sw.report.numbers import percent
from crisp_sw.report.tables import Cell, Column, Row, mark_cell, number_cell, ratio_cell, table, text_cell
from crisp_sw.results.layers import RtlLayer, RtlTotals

COLUMNS = (
    Column("layer", "name of the module; links to the picture of its pattern"),
    Column("K", "output channels"),
    Column("R", "length of the reduction: taps times input channels"),
    Column("P", "output pixels"),
    Column("B", "edge of a block"),
    Column("N:M", "non-zeros in a group; of a layer without a pattern: dense"),
    Column("blocks", "kept of all"),
    Column("bytes dense", "int8 weights"),
    Column("packed", "bytes of values and indices in the hybrid format"),
    Column("cycles dense", "the same layer without sparsity on the same core"),
    Column("RTL", "cycles, counted by the core in simulation"),
    Column("predicted", "cycles, by the cycle model"),
    Column("ideal", "cycles: non-zeros over multipliers"),
    Column("speedup", "dense over RTL"),
    Column("use", "ideal over RTL"),
    Column("bit exact", "the RTL's output equals the golden model's"),
)
_COSTS = ("bytes_dense", "bytes_packed", "cycles_dense", "cycles_rtl", "cycles_predicted", "cycles_ideal")


def layer_table(layers: Sequence[RtlLayer], totals: RtlTotals) -> str:
    """HTML table, one row per layer and a row of totals."""
    foot = [
        text_cell("total"),
        *[text_cell("")] * 6,
        *_ends(totals),
    ]
    return table("Every layer on the RTL", COLUMNS, [_row(i, layer) for i, layer in enumerate(layers)], foot)


def layer_name(layer: LayerFigures) -> Cell:
    """A layer's name, which leads to the picture of its pattern if it has one."""
    name = layer.name
    if not layer.block:
        return text_cell(name)
    return Cell(f'<a href="#{escape(card_anchor(name))}">{escape(name)}</a>', name)


def pattern_cells(layer: LayerFigures) -> list[Cell]:
    """Block, N:M and kept blocks; a layer without a pattern has none, whatever the array makes of it."""
    if not layer.block:
        return [number_cell(None), text_cell("dense"), number_cell(None)]
    kept = f"{layer.kept_blocks:,} / {layer.total_blocks:,}"
    return [
        number_cell(layer.block),
        text_cell(f"{layer.n}:{layer.m}"),
        number_cell(layer.kept_blocks / max(1, layer.total_blocks), kept),
    ]


def _row(index: int, layer: RtlLayer) -> Row:
    cells = [
        layer_name(layer),
        *(number_cell(getattr(layer, key)) for key in ("K", "R", "P")),
        *pattern_cells(layer),
        *_ends(layer),
    ]
    right = layer.bit_exact and layer.cycles_rtl == layer.cycles_predicted
    return Row(cells=cells, anchor=row_anchor(index), wrong=not right)


def _ends(figures: RtlLayer | RtlTotals) -> list[Cell]:
    return [
        *(number_cell(getattr(figures, key)) for key in _COSTS),
        ratio_cell(figures.speedup),
        number_cell(figures.utilization, percent(figures.utilization)),
        mark_cell(figures.bit_exact),
    ]
