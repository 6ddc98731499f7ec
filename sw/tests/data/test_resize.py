"""Resizing of image tensors."""

import pytest
import torch

from crisp_sw.data import load_dataset, resize
from crisp_sw.data.resize import CHUNK, largest_size, resize_images
from crisp_sw.errors import DatasetError


def test_constant_images_stay_constant():
    images = torch.tensor([0, 7, 255], dtype=torch.uint8).view(3, 1, 1, 1).expand(3, 2, 8, 8)
    for size in (5, 8, 28):
        result = resize_images(images, size)
        assert result.shape == (3, 2, size, size)
        assert torch.equal(result, images[:, :, :1, :1].expand(3, 2, size, size))


def test_halving_averages_with_rounding():
    images = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    images[..., 4:] = 200
    assert resize_images(images, 4)[0, 0, 0].tolist() == [0, 25, 175, 200]


def test_chunks_are_put_together_in_order():
    images = (torch.arange(CHUNK + 3) % 251).to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
    assert torch.equal(resize_images(images, 3)[:, 0, 0, 0], images[:, 0, 0, 0])


def test_images_that_exceed_the_memory_are_refused(monkeypatch):
    monkeypatch.setattr(resize, "_memory", lambda: 3 * 10 * 20**2)
    images = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    assert resize_images(images, 20).shape == (1, 3, 20, 20)
    with pytest.raises(
        DatasetError, match=r"^`image_size` must be at most 20, not 21: 1 images of more pixels exceed"
    ):
        resize_images(images, 21)


def test_memory_is_asked_for_whole_sets_and_one_chunk():
    assert largest_size(10 * CHUNK, 1, (10 * 2 + 8) * CHUNK * 32**2) == 32
    assert largest_size(10 * CHUNK, 1, (10 * 2 + 8) * CHUNK * 32**2 - 1) == 31


def test_absurd_size_of_a_data_set_is_one_message():
    with pytest.raises(DatasetError, match=r"`image_size` must be at most .*, not 1000000: 1797 images"):
        load_dataset("digits", image_size=1_000_000)
