"""Autocast: which types convolutions compute in, and that results and gradients are those of the layers."""

import pytest
import torch
from torch import nn

from crisp_sw.mixed_precision import autocast

CPU = torch.device("cpu")


def output_of(conv: nn.Module, images: torch.Tensor, precision: str) -> torch.Tensor:
    with autocast(CPU, precision):
        return conv(images)


@pytest.mark.parametrize(
    ("conv", "dtype"),
    [
        (nn.Conv2d(8, 8, 3, stride=2, groups=8), torch.float32),
        (nn.Conv2d(8, 8, 3, stride=(1, 2), groups=8), torch.float32),
        (nn.Conv2d(8, 8, 3, groups=8), torch.bfloat16),
        (nn.Conv2d(8, 8, 3, stride=2), torch.bfloat16),
        (nn.Conv2d(8, 8, 3, stride=2, groups=2), torch.bfloat16),
    ],
    ids=str,
)
def test_only_strided_depthwise_convolutions_stay_in_float32(conv: nn.Module, dtype: torch.dtype):
    images = torch.randn(2, 8, 9, 9)
    assert output_of(conv, images, "bfloat16").dtype == dtype
    assert output_of(conv, images, "float32").dtype == torch.float32


def test_a_strided_depthwise_convolution_in_float32_is_exact():
    torch.manual_seed(0)
    conv, images = nn.Conv2d(8, 8, 3, stride=2, groups=8, padding=1), torch.randn(2, 8, 9, 9)
    gradients = []
    for precision in ("float32", "bfloat16"):
        output = output_of(conv, images, precision)
        assert torch.equal(output, conv(images))
        gradients.append(torch.autograd.grad(output.square().sum(), list(conv.parameters())))
    for expected, actual in zip(*gradients, strict=True):
        assert torch.equal(expected, actual)


def test_arguments_by_name_and_models_in_bfloat16():
    images, weight = torch.randn(1, 4, 6, 6, dtype=torch.bfloat16), torch.randn(4, 1, 3, 3)
    with autocast(CPU, "bfloat16"):
        output = nn.functional.conv2d(input=images, weight=weight.bfloat16(), stride=2, groups=4)
    assert output.dtype == torch.float32


def test_autocast_ends_with_its_block():
    conv = nn.Conv2d(4, 4, 3)
    output_of(conv, torch.randn(1, 4, 5, 5), "bfloat16")
    assert conv(torch.randn(1, 4, 5, 5)).dtype == torch.float32
