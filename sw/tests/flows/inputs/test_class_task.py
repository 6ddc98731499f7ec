"""A task fits its checkpoint, or says what does not fit."""

from dataclasses import replace

import pytest
import torch

from crisp_sw.errors import ClassSelectionError, DatasetError
from crisp_sw.exchange.checkpoint import load_checkpoint, save_checkpoint
from crisp_sw.flows.inputs import float_models
from crisp_sw.flows.inputs.class_task import ClassTask, load_task
from crisp_sw.flows.inputs.float_models import load_data
from crisp_sw.prune import SamplesError, choose_samples


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
    train, info = task.splits.train, task.info
    by_hand = choose_samples(
        train.images, train.labels, (3, 8, 5), per_class=20, mean=info.mean, std=info.std, seed=0
    )
    assert torch.equal(one.images, by_hand.images)
    assert torch.equal(one.labels, by_hand.labels)


def few_of_three(task: ClassTask, count: int) -> ClassTask:
    """The task with only so many training images of the digit 3."""
    train = task.splits.train
    of_class = (train.labels == 3).nonzero().flatten()
    kept = torch.ones(len(train), dtype=torch.bool)
    kept[of_class[count:]] = False
    index = kept.nonzero().flatten()
    return replace(task, splits=replace(task.splits, train=train.at(index, train.labels[index])))


def test_small_class_is_repeated(digits_checkpoint):
    task = few_of_three(load_task(digits_checkpoint, "3,8,5"), 7)
    assert task.training_counts()[0] == 7
    samples = task.samples(30, 0)
    assert samples.labels.bincount().tolist() == [30, 30, 30]
    assert len(samples.images[:30].flatten(1).unique(dim=0)) == 7


def test_fewer_images_than_a_batch_say_how_many_of_each(digits_checkpoint):
    task = few_of_three(load_task(digits_checkpoint, "3,8"), 7)
    message = (
        r"^16 training images \(7 of '3', 9 of '8'\) are fewer than one batch of 64; expected at least 64: "
        "raise --samples or lower --batch$"
    )
    with pytest.raises(SamplesError, match=message):
        task.samples(9, 0, batch=64)
    with pytest.raises(SamplesError, match="digits has no training image of '3'; expected at least 1"):
        few_of_three(task, 0).samples(9, 0)


def test_single_class_has_as_many_samples_of_the_others(digits_checkpoint):
    task = load_task(digits_checkpoint, "3")
    assert task.names == ("3", "other")
    assert task.samples(20, 0).labels.bincount().tolist() == [20, 20]
    assert task.test_images().labels.bincount().tolist() == [int((task.splits.test.labels == 3).sum())] * 2


def test_transfer_set_has_the_images_of_the_other_classes(digits_checkpoint):
    task = load_task(digits_checkpoint, "3,8")
    train = task.splits.train
    others = task.samples(20, 0, unlabelled=True).unlabelled
    assert others is not None
    assert torch.equal(others, train.images[(train.labels != 3) & (train.labels != 8)])
    assert task.samples(20, 0).unlabelled is None


def test_transfer_set_of_a_user_of_all_classes(digits_checkpoint):
    task = load_task(digits_checkpoint, [str(digit) for digit in range(10)])
    with pytest.raises(SamplesError, match=r"digits has no training image beside the classes 0, 1, .*; expe"):
        task.samples(20, 0, unlabelled=True)


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
