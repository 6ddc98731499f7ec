"""Autocast: which types convolutions compute in, that results and gradients are those of the layers; what
"auto" stands for.
"""

import pytest
import torch
from torch import nn

from crisp_sw.modules.mixed_precision import PrecisionError, autocast, find_precision

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


@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [({"avx512_bf16": True}, "bfloat16"), ({"avx512_bf16": False, "avx2": True}, "float32"), ({}, "float32")],
)
def test_auto_is_what_the_processor_is_faster_in(capabilities, precision, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert find_precision("auto", CPU) == precision


def test_auto_is_float32_where_pytorch_cannot_tell(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert find_precision("auto", CPU) == "float32"
    assert find_precision("auto", torch.device("meta")) == "float32"


@pytest.mark.parametrize(("capability", "precision"), [((8, 0), "bfloat16"), ((7, 5), "float32")])
def test_auto_on_a_graphics_card(capability, precision, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert find_precision("auto", torch.device("cuda")) == precision


def test_a_precision_by_name_is_itself():
    assert [find_precision(name, CPU) for name in ("float32", "bfloat16")] == ["float32", "bfloat16"]
    with pytest.raises(PrecisionError, match="no precision 'int8'; expected one of auto, float32, bfloat16"):
        find_precision("int8", CPU)
