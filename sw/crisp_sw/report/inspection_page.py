"""What a network consists of as one HTML file: sizes, predicted cycles, and a picture of every pattern."""

from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any

from crisp_golden.network import QuantizedNetwork
from crisp_sw.report.cycle_chart import cycle_chart
from crisp_sw.report.inspection_table import HEADINGS, NOTHING, dense_misfits, layer_cells, total_cells
from crisp_sw.report.numbers import count, percent, ratio, size
from crisp_sw.report.pattern_cards import PATTERN_NOTE, pattern_cards

_CYCLES_NOTE = (
    "Predicted for every layer alone on the core. Dense is the same layer without sparsity on the same core; "
    "ideal is the number of weight slots that are kept over the number of multipliers."
)
_CYCLES_LEGEND = (
    '<div class="legend"><span><b class="key-dense"></b>dense</span>'
    '<span><b class="key-sparse"></b>as it is</span><span><b class="key-ideal"></b>ideal</span></div>'
)


def render_inspection_page(figures: Mapping[str, Any], network: QuantizedNetwork) -> str:
    """Render the page.

    Parameters
    ----------
    figures : as in ``inspect.json``: path, preset, classes, input_shape, layers, totals, and perhaps program.
    network : whose patterns are drawn.

    Returns
    -------
    HTML with no reference to anything outside it.
    """
    style = (resources.files("crisp_sw.report") / "style.css").read_text()
    sections = (
        _tiles(figures),
        _section("What is left of the weights", PATTERN_NOTE, pattern_cards(network)),
        _section("Cycles per layer", _cycles_note(figures), _CYCLES_LEGEND + _chart(figures["layers"])),
        _section("All figures", "", _table(figures["layers"], figures["totals"])),
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>CRISP: {escape(figures['path'])}</title><style>{style}</style></head>"
        f"<body><main><h1>{escape(figures['path'])}</h1>"
        f'<p class="lead">{escape(_lead(figures))}</p>{"".join(sections)}</main></body></html>\n'
    )


def _lead(figures: Mapping[str, Any]) -> str:
    channels, height, width = figures["input_shape"]
    classes = ", ".join(figures["classes"]) or "outputs without names"
    return f"Images of {channels} x {height} x {width} to {classes}; preset {figures['preset']}."


def _cycles_note(figures: Mapping[str, Any]) -> str:
    misfits = dense_misfits(figures["layers"], figures["preset"])
    return f"{_CYCLES_NOTE} {misfits[0].upper()}{misfits[1:]}." if misfits else _CYCLES_NOTE


def _tiles(figures: Mapping[str, Any]) -> str:
    totals, program = figures["totals"], figures.get("program")
    tiles = [
        _speedup_tile(totals),
        (
            "Smaller weights",
            ratio(totals["compression"]),
            f"{size(totals['bytes_dense'])} \u2192 {size(totals['bytes_packed'])}, indices included",
        ),
        (
            "Fewer multiplications",
            ratio(totals["mac_reduction"]),
            f"{count(totals['macs_dense'])} \u2192 {count(totals['macs'])} per image",
        ),
        ("Weights that are zero", percent(totals["sparsity"]), f"of {count(totals['weights'])}"),
    ]
    if program:
        dense = "dense does not fit"
        if program["cycles_dense"]:
            dense = f"dense {count(program['cycles_dense'])}, {ratio(program['speedup'])} more"
        tiles.append(("Cycles of the whole accelerator", count(program["cycles"]), dense))
    return f'<div class="tiles">{"".join(_tile(*tile) for tile in tiles)}</div>'


def _speedup_tile(totals: Mapping[str, Any]) -> tuple[str, str, str]:
    title = "Speedup over dense on the same core"
    cycles = f"{count(totals['cycles_predicted'])} cycles, all layers"
    if totals["speedup"] is None:
        return title, NOTHING, f"dense does not fit \u2192 {cycles}"
    return title, ratio(totals["speedup"]), f"{count(totals['cycles_dense'])} \u2192 {cycles}"


def _chart(layers: Sequence[Mapping[str, Any]]) -> str:
    return f'<div class="card">{cycle_chart(layers, shown="cycles_predicted")}</div>'


def _table(layers: Sequence[Mapping[str, Any]], totals: Mapping[str, Any]) -> str:
    head = "".join(f'<th title="{escape(title)}">{escape(name)}</th>' for name, title in HEADINGS)
    rows = "".join(f"<tr>{_cells(layer_cells(layer))}</tr>" for layer in layers)
    foot = f"<tfoot><tr>{_cells(total_cells(totals))}</tr></tfoot>"
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody>{foot}</table></div>'
    )


def _cells(row: Sequence[str]) -> str:
    return "".join(f"<td>{escape(cell)}</td>" for cell in row)


def _section(title: str, note: str, body: str) -> str:
    paragraph = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<section><h2>{escape(title)}</h2>{paragraph}{body}</section>"


def _tile(title: str, figure: str, detail: str) -> str:
    return (
        f'<div class="card tile"><h3>{escape(title)}</h3><div class="big">{escape(figure)}</div>'
        f'<div class="detail">{escape(detail)}</div></div>'
    )
