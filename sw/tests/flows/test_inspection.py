"""What `crisp inspect` says of a network is what golden says of its layers, and the sums are right."""

from dataclasses import replace

import numpy as np
import pytest

from crisp_golden.arithmetic.network import MaxPool, QuantizedConv
from crisp_golden.cycles.layer_report import layer_report
from crisp_spec.config import preset
from crisp_spec.errors import CapacityError
from crisp_sw.flows.inspection import conv_inputs, inspect_layers, inspect_program
from crisp_sw.report.pages.inspection_page import render_inspection_page
from crisp_sw.report.pages.inspection_table import dense_misfits, layer_cells, total_cells
from crisp_sw.results.layers import InspectedTotals
from sw.tests.report.html_pages import Page
from sw.tests.report.small_results import INSPECTED
from sw.tests.small_programs import CONFIG, small_network, small_tensors, wide_network


def test_layers_are_golden_s_with_weights_and_macs():
    network = small_network()
    layers = inspect_layers(CONFIG, network)
    assert len(layers) == len(conv_inputs(network))
    for figures, (layer, height, width) in zip(layers, conv_inputs(network), strict=True):
        golden = layer_report(CONFIG, layer, height, width)
        assert vars(golden).items() <= vars(figures).items()
        pixels = small_tensors()[layer.name][0, 0].size
        assert figures.macs_dense == layer.weight.size * pixels
        assert figures.macs == np.count_nonzero(layer.weight) * pixels


def test_sizes_of_inputs_are_those_of_the_integer_model():
    for layer, height, width in conv_inputs(small_network()):
        node = next(node for node in small_network().nodes if node.name == layer.name)
        assert small_tensors()[node.inputs[0]].shape[2:] == (height, width)
    assert any(isinstance(node.layer, MaxPool) for node in small_network().nodes)


def test_totals():
    layers = inspect_layers(CONFIG, small_network())
    totals = InspectedTotals.of(layers)
    assert totals.macs == sum(layer.macs for layer in layers)
    assert totals.cycles_dense is not None
    assert totals.speedup == totals.cycles_dense / totals.cycles_predicted > 1
    assert 0.5 < totals.sparsity < 1
    assert totals.compression > 1
    assert totals.mac_reduction > 1
    assert InspectedTotals.of([]).speedup == 0


def test_program():
    figures = inspect_program(CONFIG, small_network())
    assert figures.cycles_dense is not None
    assert figures.cycles_dense > figures.cycles > 0
    assert figures.speedup == figures.cycles_dense / figures.cycles
    assert figures.traffic > 0


def test_layer_that_does_not_fit_is_named():
    network = small_network()
    first = network.nodes[0]
    assert isinstance(first.layer, QuantizedConv)
    huge = replace(first.layer, weight=np.ones((8, 3, 99, 99), np.int8), padding=(50, 50))
    with pytest.raises(CapacityError, match="layer conv1: "):
        inspect_layers(preset("tiny"), replace(network, nodes=(replace(first, layer=huge),)))


def test_layer_whose_dense_form_does_not_fit_is_shown_without_it():
    tiny, network = preset("tiny"), wide_network()
    wide, *others = inspect_layers(tiny, network)
    with pytest.raises(CapacityError) as caught:
        layer_report(tiny, *conv_inputs(network)[0])
    assert (wide.cycles_dense, wide.dense_does_not_fit) == (None, str(caught.value))
    assert wide.cycles_predicted > 0
    assert [layer.dense_does_not_fit for layer in others] == [None] * len(others)
    totals = InspectedTotals.of([wide, *others])
    assert (totals.cycles_dense, totals.speedup) == (None, None)
    assert totals.cycles_predicted > wide.cycles_predicted
    program = inspect_program(tiny, network)
    assert program.cycles > 0
    assert (program.cycles_dense, program.speedup) == (None, None)


def test_table_has_dashes_for_what_there_is_not():
    layers = inspect_layers(preset("tiny"), wide_network())
    wide, pool, linear = map(layer_cells, layers)
    assert wide[4:7] == ["16", "1:4", "1/288"]
    assert pool[4:7] == linear[4:7] == ["-", "dense", "-"]
    assert (wide[-2], wide[-1]) == ("-", "-")
    assert "-" not in (linear[-2], linear[-1])
    total = total_cells(InspectedTotals.of(layers))
    assert (total[-2], total[-1]) == ("-", "-")
    why = dense_misfits(layers, "tiny")
    assert why.startswith("dense, 0 would not fit the preset tiny (")
    assert f"({layers[0].dense_does_not_fit}): no speedup over it" in why
    twice = dense_misfits([layers[0], *layers], "tiny")
    assert twice.startswith("dense, 0 and 1 more would not fit")
    assert dense_misfits(layers[1:], "tiny") == ""


def test_page_of_a_network_whose_dense_form_does_not_fit():
    network = wide_network()
    layers = inspect_layers(preset("tiny"), network)
    figures = replace(
        INSPECTED,
        path="wide",
        preset="tiny",
        input_shape=(512, 4, 4),
        layers=layers,
        program=inspect_program(preset("tiny"), network),
    )
    page = render_inspection_page(figures, network)
    assert "Dense, 0 would not fit the preset tiny" in page
    assert "dense does not fit \u2192 " in page
    assert page.count('<i class="dense"') == len(layers) - 1
    assert page.count('<i class="sparse"') == len(layers)
    assert '<span class="soft">dense does not fit</span>' in page


def test_page_shows_every_layer_and_pattern_and_stands_alone():
    network = replace(small_network(), classes=("<cat>", *"abcdefghi"))
    layers = inspect_layers(CONFIG, network)
    figures = replace(
        INSPECTED,
        path="a&b.onnx",
        preset="small",
        classes=network.classes,
        layers=layers,
        program=replace(inspect_program(CONFIG, small_network()), cycles_dense=None),
    )
    page = render_inspection_page(figures, network)
    for layer in layers:
        assert f">{layer.name}</th>" in page or f">{layer.name}</a></th>" in page
    sparse = [node for node in network.nodes if getattr(node.layer, "pattern", None) is not None]
    assert page.count('class="map"') == len(sparse) > 10
    assert "a&amp;b.onnx" in page
    assert "&lt;cat&gt;" in page
    assert "dense does not fit" in page
    assert Page(page).outside == {"data:", "data:application/json;base64"}
