"""Resizing of image tensors."""

import torch

from crisp_sw.data.resize import CHUNK, resize_images


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
