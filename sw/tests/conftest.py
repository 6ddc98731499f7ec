"""What tests of the software share: a small network trained on digits, and ONNX Runtime over all exports."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from crisp_sw.exchange.onnx.exporter import write
from crisp_sw.train.settings import TrainingSettings
from crisp_sw.train.training import run_training


@pytest.fixture(scope="session", autouse=True)
def exports_are_opened() -> Iterator[None]:
    """ONNX Runtime opens every file that a test exports, as its users will."""
    if find_spec("onnxruntime") is None:
        yield
        return
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    made = write.onnx_model

    def opened(*args: Any) -> Any:
        model = made(*args)
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return model

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write, "onnx_model", opened)
        yield


@pytest.fixture(scope="session")
def digits_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small ResNet that recognises 8x8 digits far better than chance."""
    path = tmp_path_factory.mktemp("digits") / "model.safetensors"
    settings = TrainingSettings(epochs=4, batch=64, learning_rate=0.05, crop_padding=0, flip=False)
    result = run_training(model="small-resnet", data="digits", output=path, settings=settings, image_size=8)
    assert result.accuracy > 0.8
    return path
