"""Universal networks: trained once, then loaded; or any checkpoint."""

from dataclasses import asdict, replace

import pytest
import torch

from crisp_sw.data import DatasetSplits, ImageSet, load_dataset
from crisp_sw.exchange.checkpoint import load_checkpoint
from crisp_sw.flows.experiment import universal
from crisp_sw.flows.experiment.cells.cell import ExperimentError
from crisp_sw.flows.experiment.universal import find_universal, train_universal
from crisp_sw.train.settings import TrainingSettings
from crisp_sw.train.training import TrainingResult


def test_network_is_trained_once(tmp_path, monkeypatch):
    settings = TrainingSettings(epochs=1, batch=512)
    monkeypatch.setitem(universal.UNIVERSAL, "small-resnet", settings)
    assert find_universal("small-resnet", "digits", tmp_path) is None
    path = train_universal("small-resnet", "digits", tmp_path)
    assert [str(file) for file in tmp_path.iterdir()] == [path]
    assert find_universal("small-resnet", "digits", tmp_path) == path


def test_network_of_other_images_is_not_taken(tmp_path, monkeypatch):
    splits = load_dataset("digits")
    monkeypatch.setitem(universal.UNIVERSAL, "small-resnet", TrainingSettings(epochs=1, batch=512))
    path = train_universal("small-resnet", "digits", tmp_path)
    inverted = replace(splits, train=replace(splits.train, images=255 - splits.train.images))
    monkeypatch.setattr(universal, "load_dataset", lambda data: inverted)
    assert find_universal("small-resnet", "digits", tmp_path) is None
    monkeypatch.setattr(universal, "load_dataset", lambda data: splits)
    assert find_universal("small-resnet", "digits", tmp_path) == path


def test_checkpoint_is_taken_as_it_is(digits_checkpoint, tmp_path):
    assert find_universal(str(digits_checkpoint), "digits", tmp_path) == str(digits_checkpoint)


@pytest.mark.parametrize("name", universal.UNIVERSAL)
def test_shipped_checkpoint_is_of_the_network_and_was_trained_as_it_says(name):
    _, info = load_checkpoint(universal.SHIPPED[name])
    assert info.model == name
    settings = asdict(replace(universal.UNIVERSAL[name], precision="bfloat16"))
    assert {key: info.settings[key] for key in settings} == settings
    assert len(info.history) == settings["epochs"]
    assert info.history[-1]["accuracy"] == info.accuracy


@pytest.mark.parametrize("name", universal.UNIVERSAL)
def test_shipped_checkpoint_is_taken_for_its_own_classes_alone(name, tmp_path, monkeypatch):
    _, info = load_checkpoint(universal.SHIPPED[name])
    images = ImageSet(torch.zeros(1, 3, 32, 32, dtype=torch.uint8), torch.zeros(1, dtype=torch.int64))
    splits = DatasetSplits(name="x", train=images, test=images, classes=info.classes)
    monkeypatch.setattr(universal, "load_dataset", lambda data: splits)
    assert find_universal(name, "images", tmp_path) == universal.SHIPPED[name]
    assert find_universal(name, "images", tmp_path, fresh=True) is None
    splits = replace(splits, classes=("a", "b"))
    assert find_universal(name, "images", tmp_path) is None


def test_interrupted_training_is_not_taken(tmp_path, monkeypatch):
    called = []

    def interrupted(**options):
        called.append(options["settings"])
        return TrainingResult(finished=False)

    monkeypatch.setattr(universal, "run_training", interrupted)
    name = "mobilenet-v2-half-32px"
    with pytest.raises(ExperimentError, match="was interrupted; the same command continues it"):
        train_universal(name, "digits", tmp_path, precision="bfloat16")
    assert called == [replace(universal.UNIVERSAL[name], precision="bfloat16")]


def test_unknown_network_is_named(tmp_path):
    with pytest.raises(ExperimentError, match=r"no checkpoint 'vgg'; .* or one of: resnet18-half-32px"):
        find_universal("vgg", "digits", tmp_path)
