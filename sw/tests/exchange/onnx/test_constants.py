"""Every way in which a file may give its numbers: the network computes what ONNX Runtime computes."""

import numpy as np
import pytest

from crisp_sw.exchange.onnx import import_onnx
from crisp_sw.exchange.onnx.file.schema import NEWEST_OPSET
from crisp_sw.exchange.onnx.qdq_graph import IMAGE_SHAPE
from sw.tests.exchange.onnx.networks import assert_same_arithmetic, real_outputs
from sw.tests.exchange.onnx.number_forms import FORMS, graph_of
from sw.tests.exchange.onnx.onnx_runtime import run_model_as_written


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_imported_network_computes_what_the_runtime_computes(form, tmp_path):
    path = graph_of(form).save(tmp_path / "net.onnx")
    network = import_onnx(path).network
    images = np.random.default_rng(3).normal(size=(3, *IMAGE_SHAPE)).astype(np.float32)
    expected, found = run_model_as_written(path, images).reshape(3, -1), real_outputs(network, images)
    steps = np.abs(expected - found) / network.scales[network.nodes[-1].name]
    assert steps.max() < 1.01  # ties
    assert np.mean(steps > 0.5) < 0.01
    assert np.ptp(expected) > 20 * network.scales[network.nodes[-1].name]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_the_newest_opset_means_the_same(form, tmp_path):
    """Also where ONNX Runtime does not know it yet."""
    graph = graph_of(form)
    older = import_onnx(graph.save(tmp_path / "net.onnx")).network
    graph.opset = NEWEST_OPSET
    assert_same_arithmetic(older, import_onnx(graph.save(tmp_path / "net.onnx")).network)
