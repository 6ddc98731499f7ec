"""What a network consists of as one HTML file: sizes, predicted cycles, and a picture of every pattern."""

from collections.abc import Sequence

from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_sw.report.charts.cycle_chart import cycle_chart, cycle_legend, row_anchor
from crisp_sw.report.charts.memory_chart import memory_chart
from crisp_sw.report.charts.pattern_cards import PATTERN_NOTE, pattern_cards
from crisp_sw.report.document import Download, Section, Tile, card, page, tiles
from crisp_sw.report.numbers import count, percent, ratio
from crisp_sw.report.pages.inspection_table import HEADINGS, NOTHING, dense_misfits
from crisp_sw.report.pages.layer_table import layer_name, pattern_cells
from crisp_sw.report.tables import Cell, Column, Row, number_cell, ratio_cell, table, text_cell
from crisp_sw.report.tiles import weights_tile
from crisp_sw.report.times import time_tile
from crisp_sw.results.inspection import Inspection
from crisp_sw.results.layers import InspectedLayer, InspectedTotals

_CYCLES_NOTE = (
    "Predicted for every layer alone on the core. Dense is the same layer without sparsity on the same core; "
    "ideal is the number of weight slots that are kept over the number of multipliers."
)
_MEMORY_NOTE = "Over the cycles of the compiled program: bytes that hold something which is still needed."


def render_inspection_page(figures: Inspection, network: QuantizedNetwork) -> str:
    """Render the page.

    Parameters
    ----------
    network : whose patterns are drawn.

    Returns
    -------
    HTML with no reference to anything outside it.
    """
    layers, program = figures.layers, figures.program
    sections = (
        Section(title="What is left of the weights", note=PATTERN_NOTE, body=pattern_cards(network)),
        Section(
            title="Cycles per layer",
            note=_cycles_note(figures),
            body=cycle_legend("as it is") + card(cycle_chart(layers)),
        ),
        Section(
            title="Memories on the chip",
            note=_MEMORY_NOTE,
            body=card(memory_chart(program.memory, program.cycles)) if program else "",
        ),
        Section(title="All figures", body=_table(layers, figures.totals)),
    )
    return page(
        title=figures.path,
        lead=_lead(figures),
        head=_tiles(figures),
        sections=sections,
        download=Download(name="inspect.json", document=figures),
    )


def _lead(figures: Inspection) -> str:
    channels, height, width = figures.input_shape
    classes = ", ".join(figures.classes) or "outputs without names"
    return f"Images of {channels} x {height} x {width} to {classes}; preset {figures.preset}."


def _cycles_note(figures: Inspection) -> str:
    misfits = dense_misfits(figures.layers, figures.preset)
    return f"{_CYCLES_NOTE} {misfits[0].upper()}{misfits[1:]}." if misfits else _CYCLES_NOTE


def _tiles(figures: Inspection) -> str:
    totals, program = figures.totals, figures.program
    clock = figures.clock_mhz
    items = [
        _speedup_tile(totals),
        time_tile(program.cycles, clock, "the whole accelerator")
        if program
        else time_tile(totals.cycles_predicted, clock, "layer by layer"),
        weights_tile(totals),
        Tile(
            title="Fewer multiplications",
            figure=ratio(totals.mac_reduction),
            detail=f"{count(totals.macs_dense)} \u2192 {count(totals.macs)} per image",
        ),
        Tile(
            title="Weights that are zero",
            figure=percent(totals.sparsity),
            detail=f"of {count(totals.weights)}",
        ),
    ]
    if program:
        dense = "dense does not fit"
        if program.cycles_dense is not None and program.speedup is not None:
            dense = f"dense {count(program.cycles_dense)}, {ratio(program.speedup)} more"
        items.append(
            Tile(title="Cycles of the whole accelerator", figure=count(program.cycles), detail=dense)
        )
    return tiles(items)


def _speedup_tile(totals: InspectedTotals) -> Tile:
    title = "Speedup over dense on the same core"
    cycles = f"{count(totals.cycles_predicted)} cycles, all layers"
    if totals.speedup is None or totals.cycles_dense is None:
        return Tile(title=title, figure=NOTHING, detail=f"dense does not fit \u2192 {cycles}")
    return Tile(
        title=title,
        figure=ratio(totals.speedup),
        detail=f"{count(totals.cycles_dense)} \u2192 {cycles}",
    )


def _table(layers: Sequence[InspectedLayer], totals: InspectedTotals) -> str:
    rows = [
        Row(
            cells=[
                layer_name(layer),
                *(number_cell(getattr(layer, key)) for key in ("K", "R", "P")),
                *pattern_cells(layer),
                *_costs(layer),
            ],
            anchor=row_anchor(index),
        )
        for index, layer in enumerate(layers)
    ]
    foot = [text_cell("total"), *[text_cell("")] * 6, *_costs(totals)]
    return table("Every layer", [Column(*heading) for heading in HEADINGS], rows, foot)


def _costs(figures: InspectedLayer | InspectedTotals) -> list[Cell]:
    macs = [
        number_cell(getattr(figures, key), count(getattr(figures, key))) for key in ("macs_dense", "macs")
    ]
    keys = ("bytes_dense", "bytes_packed", "cycles_predicted", "cycles_dense")
    return [
        *macs,
        *(number_cell(getattr(figures, key)) for key in keys),
        ratio_cell(figures.speedup),
    ]
