"""Every class equally often, from unequal numbers of images."""

import pytest
import torch

from crisp_sw.data import balanced_order

LABELS = torch.tensor([0] * 7 + [2] * 3 + [5])


def order(seed=0, **options):
    return balanced_order(LABELS, torch.Generator().manual_seed(seed), **options)


@pytest.mark.parametrize("per_class", [1, 3, 7, 20])
def test_classes_come_equally_often(per_class):
    counts = LABELS[order(per_class=per_class)].bincount()
    assert counts[[0, 2, 5]].tolist() == [per_class] * 3


def test_by_default_every_image_comes_and_repeats_differ_by_at_most_one():
    times = order().bincount(minlength=len(LABELS))
    assert times[:7].tolist() == [1] * 7
    assert sorted(times[7:10].tolist()) == [2, 2, 3]
    assert times[10] == 7


def test_order_depends_on_the_seed_alone():
    assert torch.equal(order(3), order(3))
    assert not torch.equal(order(3), order(4))
