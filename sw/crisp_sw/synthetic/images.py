"""Seeded random images that have what matters to a network's ranges: structure at every scale."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from crisp_golden.arithmetic.inference import quantize_input
from crisp_golden.arithmetic.network import QuantizedNetwork


def random_images(count: int, shape: tuple[int, int, int], *, seed: int) -> Tensor:
    """Noise with equal power in every octave, as normalised images: mean 0, deviation 1 in each channel.

    White noise would average out: deep layers of a network would see nearly the same in every pixel.

    Parameters
    ----------
    shape : (C, H, W).

    Returns
    -------
    float32[count, C, H, W].
    """
    generator = torch.Generator().manual_seed(seed)
    channels, height, width = shape
    images = torch.zeros(count, *shape)
    side = 1
    while side < 2 * max(height, width):
        octave = torch.randn(count, channels, min(side, height), min(side, width), generator=generator)
        images += F.interpolate(octave, size=(height, width), mode="bilinear")
        side *= 2
    images -= images.mean(dim=(2, 3), keepdim=True)
    return images / images.square().mean(dim=(2, 3), keepdim=True).sqrt().clamp_min(1e-3)


def example_input(network: QuantizedNetwork, *, count: int = 1, seed: int = 1) -> np.ndarray:
    """Random images as ``network`` reads them: int8[count, C, H, W]."""
    return quantize_input(network, random_images(count, network.input_shape, seed=seed).numpy())
