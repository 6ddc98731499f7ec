"""torchvision's models by name: with a stand-in for the package, and with the package where it is there."""

import sys
from types import ModuleType

import pytest
import torch
from torch import nn

from crisp_sw.errors import ModelError
from crisp_sw.models import build_model, torchvision_models


@pytest.fixture
def stand_in(monkeypatch) -> list[tuple]:
    """A torchvision with one model; returns what was asked of it."""
    asked = []
    library = ModuleType("torchvision.models")

    def get_model(name: str, *, weights: object, num_classes: int) -> nn.Module:
        asked.append((name, weights, num_classes))
        return nn.Linear(3, num_classes)

    library.__dict__.update(list_models=lambda module: ["tiny_net"], get_model=get_model)
    package = ModuleType("torchvision")
    package.__dict__.update(models=library)
    monkeypatch.setitem(sys.modules, "torchvision", package)
    monkeypatch.setitem(sys.modules, "torchvision.models", library)
    return asked


def test_model_is_built_without_downloads(stand_in):
    model = build_model("torchvision:tiny_net", in_channels=3, num_classes=7)
    assert isinstance(model, nn.Linear)
    assert stand_in == [("tiny_net", None, 7)]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("torchvision:big_net", {}, "torchvision has no classifier 'big_net'; expected one of tiny_net"),
        ("torchvision:tiny_net", {"in_channels": 1}, "takes images of 3 channels, not of 1"),
        ("torchvision:tiny_net", {"width": 0.5}, "takes no `width`; expected 1, not 0.5"),
    ],
)
def test_what_it_cannot_do(stand_in, name: str, options: dict, message: str):
    with pytest.raises(ModelError, match=message):
        build_model(name, **{"in_channels": 3, "num_classes": 10, **options})


@pytest.mark.parametrize(
    ("error", "reason"),
    [(ImportError("no"), "is not installed"), (RuntimeError("no nms"), r"does not work \(no nms\)")],
)
def test_without_torchvision_one_message(monkeypatch, error: Exception, reason: str):
    def fail(name: str):
        raise error

    monkeypatch.setattr(torchvision_models.importlib, "import_module", fail)
    with pytest.raises(ModelError, match=f"needs the package torchvision, which {reason}; expected it"):
        build_model("torchvision:resnet18", in_channels=3, num_classes=10)


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50", "vgg16", "vgg16_bn", "mobilenet_v2"])
def test_state_dicts_are_those_of_torchvision(name: str):
    with torch.device("meta"):
        try:
            theirs = build_model(f"torchvision:{name}", in_channels=3, num_classes=1000).state_dict()
        except ModelError as error:
            pytest.skip(str(error))
        ours = build_model(name, in_channels=3, num_classes=1000).state_dict()
    assert {key: value.shape for key, value in ours.items()} == {k: v.shape for k, v in theirs.items()}
