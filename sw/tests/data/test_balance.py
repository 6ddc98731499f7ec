"""Every class equally often, from unequal numbers of images."""

import pytest
import torch

from crisp_sw.data import balanced_order
from crisp_sw.data.balance import choose_per_class

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


@pytest.mark.parametrize(("per_class", "expected"), [(2, 2), (5, 5), (100, 7)])
def test_choice_takes_what_is_there_and_repeats_small_classes(per_class, expected):
    chosen = choose_per_class(LABELS, (5, 0), per_class, seed=0)
    assert LABELS[chosen].tolist() == [5] * expected + [0] * expected
    assert len(set(chosen[expected:].tolist())) == expected


def test_repeats_of_a_small_class_differ_by_at_most_one():
    times = choose_per_class(LABELS, (0, 2), 7, seed=0).bincount(minlength=len(LABELS))
    assert sorted(times[7:10].tolist()) == [2, 2, 3]


def test_choice_depends_on_the_seed_alone():
    one, two, other = (choose_per_class(LABELS, (0, 2), 3, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
