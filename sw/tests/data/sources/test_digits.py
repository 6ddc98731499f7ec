"""Scikit-learn's digits."""

import pytest
import torch

from crisp_sw.data.sources.digits import load_digits


@pytest.mark.parametrize("size", [8, 28, 32])
def test_digits_come_at_the_wanted_size(size):
    splits = load_digits(size)
    assert splits.image_size == (size, size)
    assert (len(splits.train), len(splits.test)) == (1437, 360)
    assert splits.train.images.dtype == torch.uint8
    assert splits.train.images.min() == 0
    assert splits.train.images.max() == 255


def test_every_class_is_in_both_splits():
    splits = load_digits()
    assert splits.train.labels.unique().tolist() == list(range(10))
    assert splits.test.labels.unique().tolist() == list(range(10))
    assert splits.classes == tuple("0123456789")
