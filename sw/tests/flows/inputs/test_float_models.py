"""State dicts of others become models with the data set's classes, or say what does not fit."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from crisp_spec.errors import CrispError
from crisp_sw.errors import CheckpointError, ModelError
from crisp_sw.exchange.checkpoint import load_checkpoint
from crisp_sw.exchange.state_dict import save_state_dict
from crisp_sw.flows.inputs.float_models import (
    IMAGENET_MEAN,
    ForeignWeights,
    SourceError,
    checkpoint_of,
    load_data,
    load_float_model,
)
from crisp_sw.models import build_model


@pytest.fixture
def weights(digits_checkpoint, tmp_path) -> Path:
    model, _ = load_checkpoint(digits_checkpoint)
    save_state_dict(model, tmp_path / "theirs.pth")
    return tmp_path / "theirs.pth"


def foreign(weights: Path, model: str = "small-resnet", **options) -> ForeignWeights:
    return ForeignWeights(weights=weights, model=model, image_size=8, **options)


def test_state_dict_is_a_model_for_the_data_set(weights, digits_checkpoint):
    loaded, splits = load_float_model(None, "digits", foreign(weights))
    model, info = load_checkpoint(digits_checkpoint)
    assert splits.name == "digits"
    assert loaded.patterns == {}
    assert loaded.info.classes == info.classes
    assert loaded.info.mean == info.mean
    images = torch.rand(4, 1, 8, 8)
    with torch.no_grad():
        assert torch.equal(loaded.model(images), model(images))


def test_normalization_of_three_channels(digits_checkpoint, tmp_path):
    _, info = load_checkpoint(digits_checkpoint)
    splits = load_data(info)
    images = splits.train.images.expand(-1, 3, -1, -1)
    colour = replace(splits, train=replace(splits.train, images=images))
    save_state_dict(build_model("small-resnet", in_channels=3, num_classes=10), tmp_path / "a.pth")
    _, imagenet = checkpoint_of(foreign(tmp_path / "a.pth"), colour)
    _, own = checkpoint_of(foreign(tmp_path / "a.pth", normalize="data"), colour)
    assert imagenet.mean == IMAGENET_MEAN
    assert own.mean == colour.mean != IMAGENET_MEAN


@pytest.mark.parametrize(
    ("given", "channels", "used"),
    [
        (None, 3, "imagenet"),
        ("imagenet", 3, "imagenet"),
        ("data", 3, "data"),
        (None, 1, "data"),
        ("data", 1, "data"),
    ],
)
def test_normalization_is_that_of_the_images_channels(given, channels, used):
    weights = foreign(Path("a.pth"), normalize=given).as_used(channels)
    assert (weights.normalize, weights.image_size) == (used, 8)


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (
            "small-mobilenet-v2",
            CheckpointError,
            r"theirs\.pth does not fit SmallMobileNetV2: .*: absent instead of \(.*; and \d+ more",
        ),
        ("resnet19", ModelError, "no model 'resnet19'; expected one of small-resnet"),
    ],
)
def test_another_architecture(weights, model: str, error: type[CrispError], message: str):
    with pytest.raises(error, match=message) as caught:
        load_float_model(None, "digits", foreign(weights, model))
    assert "\n" not in str(caught.value)


def test_another_number_of_classes_names_the_classifier(tmp_path):
    save_state_dict(build_model("small-resnet", in_channels=1, num_classes=7), tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match=r"linear\.weight: \(7, 128\) instead of \(10, 128\)"):
        load_float_model(None, "digits", foreign(tmp_path / "a.safetensors"))


def test_images_too_small_for_the_model(tmp_path):
    save_state_dict(build_model("vgg16-32px", in_channels=1, num_classes=10), tmp_path / "a.safetensors")
    with pytest.raises(ModelError, match="vgg16-32px cannot take images of 8 x 8 pixels"):
        load_float_model(None, "digits", foreign(tmp_path / "a.safetensors", "vgg16-32px"))


def test_what_is_missing(weights):
    with pytest.raises(SourceError, match=r"theirs\.pth: a state dict does not name its data set"):
        load_float_model(None, None, foreign(weights))
    with pytest.raises(SourceError, match="no model; expected a checkpoint or a pruned model"):
        load_float_model(None)
    with pytest.raises(SourceError, match="`normalize` must be one of imagenet, data, not 'none'"):
        foreign(weights, normalize="none")
