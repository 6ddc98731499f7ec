"""The quantization step agrees with golden run by hand."""

import numpy as np
import pytest
import torch

from crisp_spec.errors import CrispError
from crisp_sw.exchange.pruned_model import load_pruned
from crisp_sw.flows.inputs import load_task
from crisp_sw.flows.steps import int8_accuracy, normalised, quantize_pruned
from sw.tests.predicted_classes import predicted_classes


def test_int8_accuracy_of_the_dense_network(digits_checkpoint):
    task = load_task(digits_checkpoint, "3")
    network = quantize_pruned(load_pruned(digits_checkpoint), task.splits, per_class=16)
    test = task.splits.test
    seen = []
    share = int8_accuracy(
        network, test, task.info.normalization, lambda *progress: seen.append(progress[1:3])
    )
    predicted = predicted_classes(network, normalised(test.images, task.info.normalization))
    assert share == np.mean(predicted == test.labels.numpy())
    assert abs(share - task.info.accuracy) < 0.02
    assert seen == [(250, 360), (360, 360)]
    assert network.classes == task.splits.classes


def test_class_with_few_images_gives_all_it_has(digits_checkpoint):
    task = load_task(digits_checkpoint, "3")
    network = quantize_pruned(load_pruned(digits_checkpoint), task.splits, per_class=10**6)
    assert len(network.nodes) == 11


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"per_class": 0}, "`samples` must be from 1 to 1,000,000 images of each class, not 0"),
        ({"per_class": -5}, "`samples` must be from 1 to 1,000,000 images of each class, not -5"),
        ({"seed": -1}, "`seed` must be an integer from 0 to 18446744073709551615, not -1"),
        ({"seed": 2**64}, "`seed` must be an integer from 0 to .*, not 18446744073709551616"),
    ],
)
def test_calibration_out_of_range(digits_checkpoint, options, message):
    task = load_task(digits_checkpoint, "3")
    with pytest.raises(CrispError, match=message):
        quantize_pruned(load_pruned(digits_checkpoint), task.splits, **options)


def test_normalised_is_contiguous_float32(digits_checkpoint):
    task = load_task(digits_checkpoint, "3")
    images = task.splits.test.images[:3]
    result = normalised(images, task.info.normalization)
    assert result.dtype == np.float32
    assert result.flags.c_contiguous
    mean, std = task.info.mean[0], task.info.std[0]
    np.testing.assert_allclose(result, (images.numpy() / np.float32(255) - mean) / std, rtol=1e-4, atol=1e-5)
    assert images.dtype == torch.uint8
