"""Augmentation of batches: seeded, shape-preserving, only shifts and mirrors."""

import pytest
import torch
from torch import Generator, nn

from crisp_sw.choices import Border
from crisp_sw.data import augment
from crisp_sw.data.augment import padding_fault


def images(count=64):
    return torch.randint(0, 256, (count, 3, 9, 7), generator=Generator().manual_seed(5), dtype=torch.uint8)


def test_equal_seeds_give_equal_batches():
    first, second, other = (augment(images(), Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(("border", "mode"), [("black", "constant"), ("mirror", "reflect")])
def test_each_result_is_a_shifted_and_maybe_mirrored_original(border: Border, mode: str):
    originals = images()
    padded = nn.functional.pad(originals.float(), (2, 2, 2, 2), mode=mode).to(torch.uint8)
    kinds = set()
    for index, image in enumerate(augment(originals, Generator().manual_seed(1), border=border)):
        found = [
            (top, left, mirrored)
            for top in range(5)
            for left in range(5)
            for mirrored in (False, True)
            if torch.equal(
                image.flip(-1) if mirrored else image, padded[index, :, top : top + 9, left : left + 7]
            )
        ]
        assert len(found) == 1
        kinds.add(found[0])
    assert len(kinds) > 20


def test_without_padding_and_flip_nothing_changes():
    assert torch.equal(augment(images(), Generator(), padding=0, flip=False), images())


@pytest.mark.parametrize("border", ["black", "mirror"])
def test_images_can_be_shifted_by_all_but_one_pixel(border: Border):
    assert padding_fault(images(), 6) is None
    shifted = augment(images(), Generator().manual_seed(1), padding=6, border=border)
    assert shifted.shape == images().shape
    assert all(bool(image.any()) for image in shifted)
    size = "{} x {}".format(*images().shape[2:])
    assert (
        padding_fault(images(), 7) == f"`crop_padding` must be at most 6 for images of {size} pixels, not 7"
    )


def test_input_is_left_alone():
    originals = images()
    augment(originals, Generator().manual_seed(1))
    assert torch.equal(originals, images())
