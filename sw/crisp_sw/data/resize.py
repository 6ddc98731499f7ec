"""Resizing of whole image tensors."""

import torch
from torch import Tensor, nn

CHUNK = 4096


def resize_images(images: Tensor, size: int) -> Tensor:
    """Scale uint8[N, C, H, W] to uint8[N, C, size, size] with antialiased bilinear interpolation."""
    if images.shape[2:] == (size, size):
        return images
    return torch.cat([_resize(chunk, size) for chunk in images.split(CHUNK)])


def _resize(images: Tensor, size: int) -> Tensor:
    scaled = nn.functional.interpolate(
        images.float(), size=(size, size), mode="bilinear", align_corners=False, antialias=True
    )
    return scaled.round().clamp(0, 255).to(torch.uint8)
