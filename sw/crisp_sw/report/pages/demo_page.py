"""The report of a demo run as one HTML file: style, charts and pictures are inline."""

from collections.abc import Sequence
from typing import Any

from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_sw.report.charts.accuracy_chart import accuracy_chart
from crisp_sw.report.charts.cycle_chart import cycle_chart, cycle_legend
from crisp_sw.report.charts.pattern_cards import PATTERN_NOTE, pattern_cards
from crisp_sw.report.document import Download, Section, card, facts, page, verdict
from crisp_sw.report.pages.layer_table import layer_table
from crisp_sw.report.pages.sample_images import SampleImage, sample_gallery
from crisp_sw.report.tiles import headline_tiles
from crisp_sw.results.demo_report import DemoReport
from crisp_sw.results.layers import rtl_failures

_SETTINGS = ("dataset", "classes", "model", "preset", "seed", "command", "steps", "versions")
_CYCLES_NOTE = (
    "Counted by the core in simulation. Dense is the same layer, unpruned, on the same core; ideal is the "
    "number of non-zero weight slots over the number of multipliers."
)
_IMAGES_NOTE = "Test images with the int8 outputs of the network's last layer."


def render_page(report: DemoReport, network: QuantizedNetwork, samples: Sequence[SampleImage] = ()) -> str:
    """Render the page.

    Parameters
    ----------
    network : the integer network of the report; its patterns are drawn.
    samples : images that went through the RTL.

    Returns
    -------
    HTML with no reference to anything outside it.
    """
    classes = ", ".join(report.classes)
    images = report.test_images
    sections = (
        Section(
            title="Accuracy on the user's classes",
            note=_accuracy_note(images),
            body=card(accuracy_chart(report.accuracy, images)),
        ),
        Section(
            title="Cycles per layer",
            note=_CYCLES_NOTE,
            body=cycle_legend("on the RTL") + card(cycle_chart(report.layers)),
        ),
        Section(title="What is left of the weights", note=PATTERN_NOTE, body=pattern_cards(network)),
        Section(
            title="Images on the RTL", note=_IMAGES_NOTE, body=sample_gallery(samples) if samples else ""
        ),
        Section(title="All figures", body=layer_table(report.layers, report.totals)),
        Section(
            title="How this was made", body=card(facts({name: getattr(report, name) for name in _SETTINGS}))
        ),
    )
    return page(
        title=f"{classes} on {report.preset}",
        heading=f"A network for {classes}",
        lead=_lead(report),
        head=_verdict(report) + headline_tiles(report),
        sections=sections,
        download=Download(name="report.json", document=report),
    )


def _settings(report: DemoReport) -> dict[str, Any]:
    return {name: getattr(report, name) for name in _SETTINGS}


def _accuracy_note(images: int | None) -> str:
    if not images:
        return (
            "Top-1 on all test images of these classes. The int8 figure comes from the integer model that "
            "the RTL equals bit for bit."
        )
    return (
        f"Top-1 on the {images:,} test images of these classes, with intervals of 95%; int8 comes from the "
        "integer model that the RTL equals bit for bit. Losses are against the dense network with the same "
        "training; as all saw the same images, they are known better than the intervals say."
    )


def _lead(report: DemoReport) -> str:
    return (
        f"{report.model} trained on {report.dataset}, pruned to the CRISP pattern for "
        f"{len(report.classes)} classes, quantized to int8 and run layer by layer on the generated RTL, "
        f"preset {report.preset}."
    )


def _verdict(report: DemoReport) -> str:
    problems, layers = rtl_failures(report.layers), len(report.layers)
    if problems:
        return verdict("The RTL does not do what was predicted.", problems)
    return verdict(f"All {layers} layers are bit-exact on the RTL and take exactly the predicted cycles.")
