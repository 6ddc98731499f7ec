"""Universal networks: trained once, then loaded; or any checkpoint."""

import pytest

from crisp_sw.experiment import universal
from crisp_sw.experiment.errors import ExperimentError
from crisp_sw.experiment.universal import universal_checkpoint
from crisp_sw.training_settings import TrainingSettings


def test_network_is_trained_once(tmp_path, monkeypatch):
    settings = TrainingSettings(epochs=1, batch=512)
    monkeypatch.setitem(universal.UNIVERSAL, "small-resnet", settings)
    path = universal_checkpoint("small-resnet", "digits", tmp_path)
    assert path == str(tmp_path / "small-resnet.safetensors")
    monkeypatch.setattr(universal, "run_training", None)
    assert universal_checkpoint("small-resnet", "digits", tmp_path) == path


def test_checkpoint_is_taken_as_it_is(digits_checkpoint, tmp_path):
    assert universal_checkpoint(str(digits_checkpoint), "digits", tmp_path) == str(digits_checkpoint)


def test_unknown_network_is_named(tmp_path):
    with pytest.raises(ExperimentError, match=r"no checkpoint 'vgg'; .* or one of: resnet18-half-32px"):
        universal_checkpoint("vgg", "digits", tmp_path)
