"""Data set container and normalisation."""

import pytest
import torch
from torch import Generator

from crisp_sw.data import ImageSet, Normalization
from crisp_sw.errors import DatasetError


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


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        ((0.5, float("nan")), (1.0, 1.0), "`mean` must be numbers from 0 to 1, not nan$"),
        (("a",), (1.0,), "`mean` must be numbers from 0 to 1, not 'a'$"),
        ((True,), (1.0,), "`mean` must be numbers from 0 to 1, not True$"),
        ((10**400,), (1.0,), "`mean` must be numbers from 0 to 1, not 10000"),
        ((-0.1,), (1.0,), "`mean` must be numbers from 0 to 1, not -0.1$"),
        (
            (123.675,),
            (0.5,),
            "`mean` must be numbers from 0 to 1, not 123.675; divide those of bytes by 255$",
        ),
        ((0.5,), (58.4,), "`std` must be numbers from 1e-06 to 1, not 58.4; divide those of bytes by 255$"),
        ((0.5,), (0.0,), "`std` must be numbers from 1e-06 to 1, not 0.0$"),
        ((0.5,), (1e-300,), "`std` must be numbers from 1e-06 to 1, not 1e-300$"),
        ((0.5,), (float("inf"),), "`std` must be numbers from 1e-06 to 1, not inf"),
        ((0.5,), ("0.5",), "`std` must be numbers from 1e-06 to 1, not '0.5'$"),
        (0.5, (1.0,), "`mean` must be a number for each channel, not 0.5$"),
        ((0.5,), (), r"`std` must be a number for each channel, not \(\)$"),
    ],
)
def test_what_cannot_normalise_is_refused(mean, std, message):
    with pytest.raises(DatasetError, match=message):
        Normalization(mean, std)


@pytest.mark.parametrize(
    "images", [torch.rand(2, 1, 4, 4), 255 * torch.rand(2, 1, 4, 4), torch.ones(2, 1, 4, 4).int()]
)
def test_images_of_another_type_are_refused_with_what_to_do(images):
    message = r"the images are torch\.(float32|int32); expected torch\.uint8 from 0 to 255: floats"
    for use in (Normalization((0.5,), (0.5,)), Normalization.of):
        with pytest.raises(DatasetError, match=message):
            use(images)


def test_images_of_other_channels_are_refused():
    with pytest.raises(
        DatasetError, match="images of 1 channels do not fit 3 means and 3 deviations; expected"
    ):
        Normalization((0.5,) * 3, (0.5,) * 3)(torch.zeros(2, 1, 4, 4, dtype=torch.uint8))
