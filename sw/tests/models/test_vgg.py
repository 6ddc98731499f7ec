"""VGG-16: shapes, width, the variant for small images, BatchNorm."""

import pytest
import torch
from torch import nn

from crisp_sw.models.vgg import vgg16, vgg16_bn


@pytest.mark.parametrize("build", [vgg16, vgg16_bn])
@pytest.mark.parametrize(("size", "small"), [(224, False), (32, True), (28, True)])
def test_maps_images_to_logits(build, size: int, small: bool):
    model = build(3, 7, width=1 / 16, small_images=small).eval()
    assert model(torch.zeros(1, 3, size, size)).shape == (1, 7)


def test_has_13_convolutions_and_3_linear_layers():
    layers = list(vgg16_bn(3, 10, width=0.25).modules())
    convolutions = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [16] * 2 + [32] * 2 + [64] * 3 + [128] * 6
    assert [layer.in_features for layer in layers if isinstance(layer, nn.Linear)] == [128 * 49, 1024, 1024]
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in layers) == 13
    assert sum(isinstance(layer, nn.MaxPool2d) for layer in layers) == 5
