"""Bytes as floats are refused where BatchNorm shows that training had other images, and only there."""

import pytest
import torch
from torch import Tensor, nn

from crisp_sw.exchange.checkpoint import load_checkpoint
from crisp_sw.quantize import CalibrationError, quantize_model
from crisp_sw.quantize.image_scale import require_scale_of_training


def pixels(seed: int = 0) -> Tensor:
    """Smooth pictures from 0 to 1: float[16, 3, 64, 64]."""
    small = torch.randn(16, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    return (nn.functional.interpolate(small, 64, mode="bicubic") * 0.25 + 0.45).clamp(0, 1)


def network(norm: nn.Module | None = None) -> nn.Sequential:
    torch.manual_seed(0)
    pool = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))
    return nn.Sequential(nn.Conv2d(3, 8, 3), norm or nn.BatchNorm2d(8), nn.ReLU(), *pool)


def trained_on(images: Tensor, model: nn.Sequential) -> nn.Sequential:
    for _ in range(30):
        model.train()(images)
    return model.eval()


@pytest.mark.parametrize("name", ["mobilenet_v2_half_tiny_imagenet", "resnet18_half_tiny_imagenet"])
def test_bytes_are_refused_by_shipped_networks(name):
    model, info = load_checkpoint(name)
    levels = (pixels() * 255).round()
    quantize_model(model, info.normalization(levels.to(torch.uint8)))
    for images in (torch.randn(8, 3, 64, 64), pixels(), 2 * torch.rand(8, 3, 64, 64) - 1):
        require_scale_of_training(model.eval(), images)
    with pytest.raises(
        CalibrationError,
        match=r"which reach 255, the variance of what BatchNorm '.*1' reads is \d{4} times that of tr",
    ):
        quantize_model(model, levels)


def test_bytes_are_taken_where_training_had_bytes():
    quantize_model(trained_on(255 * pixels(), network()), 255 * pixels(1))
    with pytest.raises(CalibrationError, match=r"BatchNorm '1' reads is \d{5} times that of training"):
        quantize_model(trained_on(pixels(), network()), 255 * pixels(1))


@pytest.mark.parametrize("norm", [nn.BatchNorm2d(8), nn.Identity()])
def test_nothing_is_asked_where_nothing_is_known(norm):
    quantize_model(network(norm), 255 * pixels())


def test_pruned_channels_do_not_matter():
    model = trained_on(pixels(), network())
    with torch.no_grad():
        model.get_parameter("0.weight")[:7] = 0
    quantize_model(model, pixels(1))
