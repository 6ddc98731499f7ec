"""What tests of whole steps share: a small network trained on scikit-learn's digits."""

from pathlib import Path

import pytest

from crisp_sw.training import run_training
from crisp_sw.training_settings import TrainingSettings


@pytest.fixture(scope="session")
def digits_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small ResNet that recognises 8x8 digits far better than chance."""
    path = tmp_path_factory.mktemp("digits") / "model.safetensors"
    settings = TrainingSettings(epochs=4, batch=64, learning_rate=0.05, crop_padding=0, flip=False)
    result = run_training(model="small-resnet", data="digits", output=path, settings=settings, image_size=8)
    assert result.accuracy > 0.8
    return path
