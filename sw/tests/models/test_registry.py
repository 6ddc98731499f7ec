"""Networks by name."""

import pytest
import torch

from crisp_sw.errors import ModelError
from crisp_sw.models import MODELS, build_model
from crisp_sw.models.small_resnet import SmallResNet


def test_name_ignores_case_and_underscores():
    assert isinstance(build_model("Small_ResNet", in_channels=1, num_classes=10), SmallResNet)


def test_equal_seeds_give_equal_weights():
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        states.append(build_model("small-resnet", in_channels=1, num_classes=4).state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.parametrize(
    ("name", "channels", "classes", "message"),
    [
        ("vgg", 1, 10, f"no model 'vgg'; expected one of {', '.join(MODELS)}"),
        ("small-resnet", 0, 10, "`in_channels` must be from 1 to 4096, not 0"),
        ("small-resnet", 1, 1, "`num_classes` must be from 2 to 100000, not 1"),
        ("resnet18", 10**12, 10, "`in_channels` must be from 1 to 4096, not 1000000000000"),
        ("resnet18", 3, 10**12, "`num_classes` must be from 2 to 100000, not 1000000000000"),
    ],
)
def test_bad_arguments_are_named(name, channels, classes, message):
    with pytest.raises(ModelError) as caught:
        build_model(name, in_channels=channels, num_classes=classes)
    assert str(caught.value) == message


@pytest.mark.parametrize("name", ["resnet18", "ResNet34", "resnet50", "vgg16", "vgg16_bn", "mobilenet_v2"])
@pytest.mark.parametrize(("variant", "size"), [("", 224), ("-32px", 32)])
def test_networks_for_large_images_take_a_width(name: str, variant: str, size: int):
    model = build_model(name + variant, in_channels=1, num_classes=3, width=1 / 16).eval()
    assert model(torch.zeros(1, 1, size, size)).shape == (1, 3)


@pytest.mark.parametrize(
    ("name", "width", "message"),
    [
        ("resnet18", 0, "`width` must be above 0 and at most 16, not 0"),
        ("resnet18", 17, "`width` must be above 0 and at most 16, not 17"),
        ("small-resnet", 2, "'small-resnet' takes no `width`; expected 1, not 2"),
    ],
)
def test_bad_widths_are_named(name: str, width: float, message: str):
    with pytest.raises(ModelError, match=message):
        build_model(name, in_channels=1, num_classes=10, width=width)


@pytest.mark.parametrize("name", ["resnet18-half-32px", "mobilenet-v2-half-32px"])
def test_universal_networks_are_small_and_have_a_fixed_width(name: str):
    model = build_model(name, in_channels=3, num_classes=200).eval()
    assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 200)
    assert sum(weight.numel() for weight in model.parameters()) < 3e6
    with pytest.raises(ModelError, match=f"'{name}' takes no `width`; expected 1, not 2"):
        build_model(name, in_channels=3, num_classes=200, width=2)
