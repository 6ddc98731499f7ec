"""Light augmentation of whole batches: random crop of the padded image, random horizontal flip."""

import torch
from torch import Generator, Tensor, nn


def augment(images: Tensor, generator: Generator, *, padding: int = 2, flip: bool = True) -> Tensor:
    """Shift each image by up to ``padding`` pixels and mirror every second one, at random.

    Parameters
    ----------
    images : uint8[N, C, H, W].
    generator : source of all randomness; equal seeds give equal batches.
    padding : black pixels added on each side before cropping back to H x W; 0 turns cropping off.
    flip : whether to mirror left to right with probability one half.

    Returns
    -------
    uint8[N, C, H, W], a new tensor.
    """
    count, _, height, width = images.shape
    padded = nn.functional.pad(images, (padding,) * 4)
    crops = padded.unfold(2, height, 1).unfold(3, width, 1)
    shift = torch.randint(0, 2 * padding + 1, (2, count), generator=generator)
    images = crops[torch.arange(count), :, shift[0], shift[1]]
    if not flip:
        return images
    mirrored = torch.rand(count, generator=generator) < 0.5
    return torch.where(mirrored.view(-1, 1, 1, 1), images.flip(-1), images)
