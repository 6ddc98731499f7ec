"""A trained network: ONNX Runtime and golden decide alike on all test images."""

import numpy as np
import pytest

from crisp_sw.exchange.onnx import onnx_model
from crisp_sw.exchange.pruned_model import load_pruned
from crisp_sw.flows.inputs import load_data
from crisp_sw.flows.steps import normalised, quantize_pruned
from sw.tests.exchange.onnx.onnx_runtime import run_model
from sw.tests.predicted_classes import predicted_classes


@pytest.mark.parametrize("fused", [False, True])
def test_decisions_on_all_test_images_are_equal(digits_checkpoint, fused: bool):
    trained = load_pruned(digits_checkpoint)
    splits = load_data(trained.info)
    network = quantize_pruned(trained, splits, per_class=32)
    images = normalised(splits.test.images, trained.info.normalization)
    decided = run_model(onnx_model(network), images, fused=fused).argmax(1)
    labels = splits.test.labels.numpy()
    assert np.mean(decided == labels) > 0.8
    assert np.mean(decided == predicted_classes(network, images)) > 0.995  # two classes may be a step apart
