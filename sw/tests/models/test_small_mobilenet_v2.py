"""The small MobileNetV2: shapes, size, depthwise layers and shortcuts."""

import pytest
import torch
from torch import nn

from crisp_sw.models.small_mobilenet_v2 import InvertedResidual, SmallMobileNetV2


@pytest.mark.parametrize(("channels", "size", "classes"), [(1, 28, 10), (3, 32, 100)])
def test_maps_images_to_logits(channels, size, classes):
    model = SmallMobileNetV2(channels, classes).eval()
    assert model(torch.zeros(2, channels, size, size)).shape == (2, classes)


def test_has_one_depthwise_convolution_in_each_block():
    model = SmallMobileNetV2(1, 10)
    depthwise = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d) and layer.groups > 1]
    assert len(depthwise) == len(model.blocks)
    assert all(layer.groups == layer.in_channels == layer.out_channels for layer in depthwise)


def test_shortcut_only_where_the_shape_stays():
    assert InvertedResidual(16, 16, 1).has_shortcut
    assert not InvertedResidual(16, 16, 2).has_shortcut
    assert not InvertedResidual(16, 24, 1).has_shortcut


def test_activations_are_clipped_at_six():
    block = InvertedResidual(4, 4, 1).eval()
    assert block.expand(torch.full((1, 4, 8, 8), 1e6)).max() <= 6
    assert sum(isinstance(layer, nn.ReLU6) for layer in block.modules()) == 2
