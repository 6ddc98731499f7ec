"""Resizing of whole image tensors."""

import math
import os

import torch
from torch import Tensor, nn

from crisp_sw.errors import DatasetError

CHUNK = 4096
# Of a pixel: a chunk is two tensors of float32 at a time, and all images exist as chunks and as one tensor.
CHUNK_BYTES, WHOLE_BYTES = 8, 2


def resize_images(images: Tensor, size: int) -> Tensor:
    """Scale uint8[N, C, H, W] to uint8[N, C, size, size] with antialiased bilinear interpolation.

    Raises
    ------
    DatasetError : that needs more memory than the machine has.
    """
    if images.shape[2:] == (size, size):
        return images
    most = largest_size(len(images), images.shape[1], _memory())
    if size > most:
        raise DatasetError(
            f"`image_size` must be at most {most}, not {size}: {len(images)} images of more pixels exceed "
            "the memory of this machine"
        )
    return torch.cat([_resize(chunk, size) for chunk in images.split(CHUNK)])


def largest_size(count: int, channels: int, memory: int) -> int:
    """Edge of the largest square that ``count`` images can be scaled to within ``memory`` bytes."""
    per_pixel = channels * (WHOLE_BYTES * count + CHUNK_BYTES * min(count, CHUNK))
    return math.isqrt(memory // max(1, per_pixel))


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _resize(images: Tensor, size: int) -> Tensor:
    scaled = nn.functional.interpolate(
        images.float(), size=(size, size), mode="bilinear", align_corners=False, antialias=True
    )
    return scaled.round().clamp(0, 255).to(torch.uint8)
