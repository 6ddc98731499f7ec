"""Data set container and normalisation."""

import torch
from torch import Generator

from crisp_sw.data import ImageSet, Normalization


def test_normalisation_gives_mean_zero_and_deviation_one():
    images = torch.randint(0, 200, (50, 3, 8, 8), generator=Generator().manual_seed(2), dtype=torch.uint8)
    result = Normalization.of(images)(images)
    assert result.dtype == torch.float32
    assert result.shape == images.shape
    assert result.is_contiguous(memory_format=torch.channels_last)
    assert result.mean((0, 2, 3)).abs().max() < 1e-5
    assert (result.std((0, 2, 3), unbiased=False) - 1).abs().max() < 1e-5


def test_statistics_match_direct_computation():
    images = torch.randint(0, 256, (20, 2, 5, 5), generator=Generator().manual_seed(2), dtype=torch.uint8)
    found = Normalization.of(images)
    pixels = images.double() / 255
    expected_mean = pixels.mean((0, 2, 3))
    expected_std = pixels.std((0, 2, 3), unbiased=False)
    assert (torch.tensor(found.mean, dtype=torch.float64) - expected_mean).abs().max() < 1e-12
    assert (torch.tensor(found.std, dtype=torch.float64) - expected_std).abs().max() < 1e-12


def test_constant_images_do_not_divide_by_zero():
    images = torch.full((3, 1, 4, 4), 7, dtype=torch.uint8)
    assert Normalization.of(images)(images).abs().max() < 1e-3


def test_length_is_the_number_of_images():
    assert len(ImageSet(torch.zeros(4, 1, 2, 2, dtype=torch.uint8), torch.zeros(4, dtype=torch.int64))) == 4
