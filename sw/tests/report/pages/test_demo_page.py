"""The report page: complete, self-contained, and honest about failures."""

import base64
import hashlib
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from crisp_files.documents import document_json
from crisp_golden.arithmetic.network import Node, Pattern, QuantizedConv, QuantizedNetwork
from crisp_sw.report import SampleImage, render_page
from crisp_sw.results.accuracies import Accuracies
from crisp_sw.results.demo_report import DemoReport
from crisp_sw.results.layers import RtlLayer
from sw.tests.report.html_pages import Page


def made_up_layer(name: str, rng: np.random.Generator, channels: int = 64, kernel: int = 3) -> QuantizedConv:
    """A 2:4 layer that keeps two of the block columns in every block-row."""
    edge, taps = 16, kernel * kernel
    mask = np.zeros((channels // edge, taps * channels // edge), bool)
    for row in mask:
        row[rng.choice(mask.shape[1], max(2, mask.shape[1] // 6), replace=False)] = True
    kept = (
        mask.repeat(edge, 0).repeat(edge, 1).reshape(channels, kernel, kernel, channels).transpose(0, 3, 1, 2)
    )
    weight = rng.integers(-127, 128, kept.shape) * kept
    weight.reshape(channels, channels // 4, 4, taps)[:, :, 2:] = 0
    return QuantizedConv(
        name=name,
        weight=weight.astype(np.int8),
        bias=np.zeros(channels, np.int32),
        multiplier=np.full(channels, 1 << 15, np.uint16),
        shift=np.full(channels, 24, np.uint8),
        padding=(kernel // 2, kernel // 2),
        pattern=Pattern(n=2, m=4, block=edge, block_mask=mask),
    )


def made_up_network(layers: int = 3) -> QuantizedNetwork:
    rng = np.random.default_rng(7)
    nodes, source = [], "input"
    for index in range(layers):
        layer = made_up_layer(f"stage{index}.conv", rng, channels=32 << (index % 3))
        nodes.append(Node(layer=layer, inputs=(source,)))
        source = layer.name
    return QuantizedNetwork(
        nodes=tuple(nodes),
        input_shape=(32, 14, 14),
        input_scale=0.02,
        input_zero_point=-3,
        classes=("a", "b"),
    )


def made_up_report(network: QuantizedNetwork) -> DemoReport:
    layers = []
    for index, node in enumerate(network.nodes):
        layer = node.layer
        assert isinstance(layer, QuantizedConv)
        assert layer.pattern is not None
        pattern, reduction = layer.pattern, layer.in_channels * 9
        dense = layer.out_channels * reduction * 196 // 256 + 300
        sparse = dense // (6 + index) + 100
        layers.append(
            RtlLayer(
                name=layer.name,
                K=layer.out_channels,
                R=reduction,
                P=196,
                block=pattern.block,
                n=pattern.n,
                m=pattern.m,
                kept_blocks=int(pattern.block_mask.sum()),
                total_blocks=pattern.block_mask.size,
                bytes_dense=layer.weight.size,
                bytes_packed=layer.weight.size // 9,
                cycles_rtl=sparse,
                cycles_predicted=sparse,
                cycles_ideal=sparse - 120,
                cycles_dense=dense,
                bit_exact=True,
            )
        )
    return DemoReport(
        dataset="fashion-mnist",
        classes=("Sneaker", "Bag", "<Coat>"),
        model="small-resnet",
        seed=0,
        preset="edge",
        clock_mhz=100.0,
        accuracy=Accuracies(dense=0.981, dense_fine_tuned=0.9967, pruned=0.9953, int8=0.995),
        sparsity=0.912,
        model_sparsity=0.9,
        layers=tuple(layers),
        images=(),
        steps={"prune": "41.5 s", "rtl": "62.0 s"},
        prune_settings={},
        samples_per_class=500,
        versions={"numpy": "2.0"},
        command="crisp demo",
    )


def sample(label: str = "Bag", prediction: str = "Bag") -> SampleImage:
    pixels = np.random.default_rng(3).integers(0, 256, (1, 28, 28)).astype(np.uint8)
    return SampleImage(pixels=pixels, label=label, prediction=prediction, scores={"Bag": 90, "Coat": -20})


def test_page_is_well_formed_and_refers_to_nothing_outside():
    network = made_up_network()
    page = Page(render_page(made_up_report(network), network, [sample()]))
    assert page.outside == {"data:", "data:image/png;base64", "data:application/json;base64"}
    assert (page.tables, page.captions) == (1, 1)


def test_layers_are_linked_from_chart_to_row_to_picture():
    network = made_up_network()
    page = Page(render_page(made_up_report(network), network))
    for index, node in enumerate(network.nodes):
        assert {f"#layer-{index}", f"#pattern-{node.layer.name}"} <= set(page.links)


def test_all_figures_can_be_downloaded():
    network = made_up_network()
    report = made_up_report(network)
    data = next(link for link in Page(render_page(report, network)).links if "json" in link)
    assert json.loads(base64.b64decode(data.partition(",")[2])) == document_json(report)


def test_only_the_script_of_the_page_may_run():
    network = made_up_network()
    html = render_page(made_up_report(network), network)
    script = re.search(r"<script>(.*?)</script>", html, re.S)
    assert script
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html
    assert "default-src 'none'" in html


def test_accuracies_have_intervals_where_the_images_are_counted():
    network = made_up_network()
    report = replace(made_up_report(network), test_images=3000)
    assert "0.17 points (\u2212" in render_page(report, network)


def test_page_shows_every_layer_and_the_headline_figures():
    network = made_up_network()
    report = made_up_report(network)
    html = render_page(report, network)
    for layer in report.layers:
        assert html.count(layer.name) >= 4  # chart, card, map, zoom, table
        assert f"{layer.cycles_rtl:,}" in html
    assert "99.50 %" in html
    assert f"{report.totals.speedup:.3g}\u00d7" in html
    assert "All 3 layers are bit-exact" in html


def test_names_from_outside_are_escaped():
    network = made_up_network()
    html = render_page(made_up_report(network), network, [sample("<b>", "Bag")])
    assert "&lt;Coat&gt;" in html
    assert "<Coat>" not in html
    assert "<b><b>" not in html


def test_page_names_the_layers_that_failed():
    network = made_up_network()
    report = made_up_report(network)
    first, second, third = report.layers
    third = replace(third, cycles_rtl=third.cycles_rtl + 1)
    html = render_page(replace(report, layers=(first, replace(second, bit_exact=False), third)), network)
    assert "All 3 layers" not in html
    assert "stage1.conv: the RTL&#x27;s output differs" in html
    assert "stage2.conv: the RTL took" in html


def test_network_without_patterns_says_so():
    network = made_up_network(1)
    report = made_up_report(network)
    layer = network.nodes[0].layer
    assert isinstance(layer, QuantizedConv)
    dense = replace(network, nodes=(Node(layer=replace(layer, pattern=None), inputs=("input",)),))
    assert "No layer of this network is pruned" in render_page(report, dense)


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_colour_images_are_embedded(channels):
    network = made_up_network(1)
    pixels = np.zeros((channels, 8, 8), np.uint8)
    picture = SampleImage(pixels=pixels, label="a", prediction="b", scores={"a": 1, "b": 2})
    html = render_page(made_up_report(network), network, [picture])
    assert html.count("data:image/png;base64,") == 1
    assert "taken for b" in html
