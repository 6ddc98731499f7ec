"""A task fits its checkpoint, or says what does not fit."""

from dataclasses import replace

import pytest
import torch

from crisp_sw.checkpoint import load_checkpoint, save_checkpoint
from crisp_sw.errors import ClassSelectionError, DatasetError
from crisp_sw.steps import float_models
from crisp_sw.steps.class_task import load_task
from crisp_sw.steps.float_models import load_data


def test_classes_are_looked_up_in_the_checkpoint_s_own_data(digits_checkpoint):
    task = load_task(digits_checkpoint, "8, 3")
    assert task.classes == (8, 3)
    assert task.names == ("8", "3")
    assert task.splits.image_size == (8, 8)
    images = task.test_images()
    assert sorted(images.labels.unique().tolist()) == [0, 1]


def test_samples_are_seeded_and_balanced(digits_checkpoint):
    task = load_task(digits_checkpoint, ["3", "8", "5"])
    one, two, other = task.samples(20, 0), task.samples(20, 0), task.samples(20, 1)
    assert torch.equal(one.images, two.images)
    assert not torch.equal(one.images, other.images)
    assert one.labels.bincount().tolist() == [20, 20, 20]


def test_unknown_class(digits_checkpoint):
    with pytest.raises(ClassSelectionError, match="no class 'twelve' in digits"):
        load_task(digits_checkpoint, "twelve")


def test_data_set_with_other_classes(digits_checkpoint, tmp_path):
    model, info = load_checkpoint(digits_checkpoint)
    renamed = replace(info, classes=tuple("abcdefghij"))
    save_checkpoint(tmp_path / "model.safetensors", model, renamed)
    with pytest.raises(DatasetError, match="the checkpoint expects a, b, c, d, e and 5 more"):
        load_task(tmp_path / "model.safetensors", "a")


def test_data_set_with_other_channels(digits_checkpoint):
    _, info = load_checkpoint(digits_checkpoint)
    with pytest.raises(DatasetError, match="images of 1 channels; expected 3"):
        load_data(replace(info, in_channels=3, mean=(0.5,) * 3, std=(0.5,) * 3))


def test_data_set_by_name_replaces_that_of_the_checkpoint(digits_checkpoint, monkeypatch):
    asked = []
    original = float_models.load_dataset

    def load(name, **options):
        asked.append(name)
        return original("digits", **options)

    monkeypatch.setattr(float_models, "load_dataset", load)
    load_task(digits_checkpoint, "1", data="elsewhere")
    assert set(asked) == {"elsewhere"}
