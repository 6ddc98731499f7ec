"""The report of a demo run as one HTML file: style, charts and pictures are inline."""

from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any

from crisp_golden.network import QuantizedNetwork
from crisp_sw.report.cycle_chart import cycle_chart
from crisp_sw.report.figures import failures
from crisp_sw.report.layer_table import layer_table
from crisp_sw.report.pattern_cards import PATTERN_NOTE, pattern_cards
from crisp_sw.report.sample_images import SampleImage, sample_gallery
from crisp_sw.report.tiles import accuracy_bars, headline_tiles

_SETTINGS = ("dataset", "classes", "model", "preset", "seed", "command", "steps", "versions")


def render_page(
    report: Mapping[str, Any], network: QuantizedNetwork, samples: Sequence[SampleImage] = ()
) -> str:
    """Render the page.

    Parameters
    ----------
    report : as in ``report.json``: dataset, classes, preset, seed, accuracy, sparsity, layers, totals.
    network : the integer network of the report; its patterns are drawn.
    samples : images that went through the RTL.

    Returns
    -------
    HTML with no reference to anything outside it.
    """
    style = (resources.files("crisp_sw.report") / "style.css").read_text()
    classes = ", ".join(report["classes"])
    sections = (
        _verdict(report),
        headline_tiles(report),
        _section("Accuracy on the user's classes", _ACCURACY_NOTE, _card(accuracy_bars(report["accuracy"]))),
        _section("Cycles per layer", _CYCLES_NOTE, _CYCLES_LEGEND + _card(cycle_chart(report["layers"]))),
        _section("What is left of the weights", PATTERN_NOTE, pattern_cards(network)),
        _section("Images on the RTL", _IMAGES_NOTE, sample_gallery(samples)) if samples else "",
        _section("All figures", "", layer_table(report["layers"], report["totals"])),
        _section("How this was made", "", _card(_settings(report))),
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>CRISP: {escape(classes)} on {escape(report['preset'])}</title><style>{style}</style></head>"
        f"<body><main><h1>A network for {escape(classes)}</h1>"
        f'<p class="lead">{escape(_lead(report))}</p>{"".join(sections)}</main></body></html>\n'
    )


_ACCURACY_NOTE = (
    "Top-1 on all test images of these classes. The int8 figure comes from the integer model that the RTL "
    "equals bit for bit."
)
_CYCLES_NOTE = (
    "Counted by the core in simulation. Dense is the same layer, unpruned, on the same core; ideal is the "
    "number of non-zero weight slots over the number of multipliers."
)
_CYCLES_LEGEND = (
    '<div class="legend"><span><b class="key-dense"></b>dense</span>'
    '<span><b class="key-sparse"></b>sparse, on the RTL</span>'
    '<span><b class="key-ideal"></b>ideal</span></div>'
)
_IMAGES_NOTE = "Test images with the int8 outputs of the network's last layer."


def _lead(report: Mapping[str, Any]) -> str:
    return (
        f"{report.get('model', 'A network')} trained on {report['dataset']}, pruned to the CRISP pattern for "
        f"{len(report['classes'])} classes, quantized to int8 and run layer by layer on the generated RTL, "
        f"preset {report['preset']}."
    )


def _verdict(report: Mapping[str, Any]) -> str:
    problems, layers = failures(report["layers"]), len(report["layers"])
    if not problems:
        text = f"\u2713 All {layers} layers are bit-exact on the RTL and take exactly the predicted cycles."
        return f'<div class="verdict pass">{text}</div>'
    items = "".join(f"<li>{escape(problem)}</li>" for problem in problems)
    return f'<div class="verdict fail">\u2717 The RTL does not do what was predicted.<ul>{items}</ul></div>'


def _settings(report: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<dt>{escape(key)}</dt><dd>{escape(_plain(report[key]))}</dd>" for key in _SETTINGS if key in report
    )
    return f"<dl>{rows}</dl>"


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_plain(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _section(title: str, note: str, body: str) -> str:
    paragraph = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<section><h2>{escape(title)}</h2>{paragraph}{body}</section>"


def _card(body: str) -> str:
    return f'<div class="card">{body}</div>'
