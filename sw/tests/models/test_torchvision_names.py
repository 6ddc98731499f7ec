"""The well-known networks carry torchvision's parameters: as many, with the same names and shapes."""

import pytest
import torch
from torch import nn

from crisp_sw.models import build_model

# Trainable parameters with 3 channels and 1000 classes, as torchvision documents them.
PARAMETERS = {
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "vgg16": 138_357_544,
    "vgg16-bn": 138_365_992,
    "mobilenet-v2": 3_504_872,
}

# Some of torchvision's names and shapes, at least one for each kind of module.
KNOWN: dict[str, dict[str, tuple[int, ...]]] = {
    "resnet18": {
        "conv1.weight": (64, 3, 7, 7),
        "bn1.running_mean": (64,),
        "layer1.0.conv1.weight": (64, 64, 3, 3),
        "layer1.1.bn2.bias": (64,),
        "layer2.0.downsample.0.weight": (128, 64, 1, 1),
        "layer2.0.downsample.1.running_var": (128,),
        "layer4.1.conv2.weight": (512, 512, 3, 3),
        "fc.weight": (1000, 512),
    },
    "resnet34": {"layer3.5.conv1.weight": (256, 256, 3, 3), "layer4.2.bn2.weight": (512,)},
    "resnet50": {
        "layer1.0.conv3.weight": (256, 64, 1, 1),
        "layer1.0.downsample.0.weight": (256, 64, 1, 1),
        "layer2.0.conv1.weight": (128, 256, 1, 1),
        "layer3.5.conv2.weight": (256, 256, 3, 3),
        "layer4.2.bn3.num_batches_tracked": (),
        "fc.weight": (1000, 2048),
        "fc.bias": (1000,),
    },
    "vgg16": {
        "features.0.weight": (64, 3, 3, 3),
        "features.28.bias": (512,),
        "classifier.0.weight": (4096, 25088),
        "classifier.3.weight": (4096, 4096),
        "classifier.6.weight": (1000, 4096),
    },
    "vgg16-bn": {
        "features.1.running_mean": (64,),
        "features.40.weight": (512, 512, 3, 3),
        "features.41.weight": (512,),
        "classifier.6.bias": (1000,),
    },
    "mobilenet-v2": {
        "features.0.0.weight": (32, 3, 3, 3),
        "features.1.conv.0.0.weight": (32, 1, 3, 3),
        "features.1.conv.1.weight": (16, 32, 1, 1),
        "features.1.conv.2.running_var": (16,),
        "features.2.conv.0.0.weight": (96, 16, 1, 1),
        "features.2.conv.1.0.weight": (96, 1, 3, 3),
        "features.17.conv.2.weight": (320, 960, 1, 1),
        "features.18.1.bias": (1280,),
        "classifier.1.weight": (1000, 1280),
    },
}

# Entries of the state dict, the statistics of BatchNorm included.
ENTRIES = {
    "resnet18": 122,
    "resnet34": 218,
    "resnet50": 320,
    "vgg16": 32,
    "vgg16-bn": 97,
    "mobilenet-v2": 314,
}


def build(name: str) -> nn.Module:
    """The network without memory for its weights."""
    with torch.device("meta"):
        return build_model(name, in_channels=3, num_classes=1000)


@pytest.mark.parametrize("name", PARAMETERS)
def test_number_of_parameters(name: str):
    model = build(name)
    assert sum(parameter.numel() for parameter in model.parameters()) == PARAMETERS[name]
    assert len(model.state_dict()) == ENTRIES[name]


@pytest.mark.parametrize("name", PARAMETERS)
def test_names_and_shapes(name: str):
    state = {key: tuple(value.shape) for key, value in build(name).state_dict().items()}
    assert KNOWN[name].items() <= state.items()


@pytest.mark.parametrize("name", PARAMETERS)
def test_state_dict_is_torchvisions(name: str):
    torchvision = pytest.importorskip("torchvision", exc_type=ImportError)
    with torch.device("meta"):
        expected = torchvision.models.get_model(name.replace("-", "_"), weights=None).state_dict()
    found = build(name).state_dict()
    assert [(key, value.shape) for key, value in found.items()] == [
        (key, value.shape) for key, value in expected.items()
    ]
