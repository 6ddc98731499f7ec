"""MobileNetV2: shapes, width, reductions, depthwise layers and shortcuts."""

import pytest
import torch
from torch import nn

from crisp_sw.models.mobilenet_v2 import InvertedResidual, MobileNetV2


@pytest.mark.parametrize(
    ("size", "small", "final"), [(224, False, (7, 7)), (32, True, (4, 4)), (28, True, (4, 4))]
)
def test_reductions(size: int, small: bool, final: tuple[int, int]):
    model = MobileNetV2(3, 7, width=0.25, small_images=small).eval()
    images = torch.zeros(1, 3, size, size)
    assert model.features(images).shape == (1, 1280, *final)
    assert model(images).shape == (1, 7)


def test_stem_that_reduces_small_images():
    model = MobileNetV2(3, 7, width=0.25, small_images=True, stem_stride=2).eval()
    assert model.features(torch.zeros(1, 3, 32, 32)).shape == (1, 1280, 2, 2)


def test_blocks():
    blocks = [block for block in MobileNetV2(3, 10).modules() if isinstance(block, InvertedResidual)]
    assert len(blocks) == 17
    assert sum(block.has_shortcut for block in blocks) == 10
    depthwise = [layer for layer in MobileNetV2(3, 10).modules() if isinstance(layer, nn.Conv2d)]
    assert sum(layer.groups == layer.in_channels for layer in depthwise) == 17


def test_head_does_not_get_narrower_but_wider():
    assert MobileNetV2(3, 10, width=0.35).classifier[1].in_features == 1280
    assert MobileNetV2(3, 10, width=1.4).classifier[1].in_features == 1792
