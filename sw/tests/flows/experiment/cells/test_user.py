"""Users: seeded classes, cut networks, and the single class against all others."""

import pytest
import torch

from crisp_sw.flows.experiment.cells.cell import ExperimentError
from crisp_sw.flows.experiment.cells.user import _load, choose_classes, load_user


def test_larger_choices_contain_the_smaller_ones():
    assert choose_classes(10, seed=1, of=200)[:5] == choose_classes(5, seed=1, of=200)
    assert choose_classes(5, seed=1, of=200) != choose_classes(5, seed=2, of=200)
    assert len(set(choose_classes(200, seed=0, of=200))) == 200


@pytest.mark.parametrize("count", [0, 11])
def test_impossible_number_is_named(count):
    with pytest.raises(ExperimentError, match=f"`classes` must be from 1 to 10, not {count}"):
        choose_classes(count, seed=0, of=10)


def test_network_and_images_are_cut_to_the_classes(digits_checkpoint):
    user = load_user(str(digits_checkpoint), "digits", classes=3, seed=0)
    assert user.names == tuple(str(index) for index in choose_classes(3, seed=0, of=10))
    assert user.model(torch.zeros(1, 1, 8, 8)).shape == (1, 3)
    assert user.samples.labels.unique().tolist() == user.test.labels.unique().tolist() == [0, 1, 2]


def test_single_class_stands_against_the_others(digits_checkpoint):
    user = load_user(str(digits_checkpoint), "digits", classes=1, seed=0)
    assert len(user.names) == 2
    assert user.names[1] == "other"
    assert user.model(torch.zeros(1, 1, 8, 8)).shape == (1, 2)
    for labels in (user.samples.labels, user.test.labels):
        assert (labels == 0).sum() == (labels == 1).sum()


def test_transfer_set_has_the_images_of_the_other_classes(digits_checkpoint):
    user = load_user(str(digits_checkpoint), "digits", classes=3, seed=0, unlabelled=True)
    _, _, splits = _load(str(digits_checkpoint), "digits")
    assert user.samples.unlabelled is not None
    assert len(user.samples.unlabelled) == len(splits.train) - len(user.samples)
    assert load_user(str(digits_checkpoint), "digits", classes=3, seed=0).samples.unlabelled is None


def test_network_of_other_classes_is_refused(digits_checkpoint, monkeypatch):
    from dataclasses import replace

    from crisp_sw.flows.experiment.cells import user

    load = user.load_data
    monkeypatch.setattr(user, "load_data", lambda *options: replace(load(*options), classes=("a", "b")))
    user._load.cache_clear()
    with pytest.raises(ExperimentError, match=r"digits has 2 classes; .* expects 10"):
        load_user(str(digits_checkpoint), "digits", classes=1, seed=0)
    user._load.cache_clear()
