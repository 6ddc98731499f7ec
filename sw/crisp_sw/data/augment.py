"""Light augmentation of whole batches: random crop of the padded image, random horizontal flip."""

import torch
from torch import Generator, Tensor, nn

from crisp_sw.choices import Border


def augment(
    images: Tensor,
    generator: Generator,
    *,
    padding: int = 2,
    border: Border = "black",
    flip: bool = True,
) -> Tensor:
    """Shift each image by up to ``padding`` pixels and mirror every second one, at random.

    Parameters
    ----------
    images : uint8[N, C, H, W].
    generator : source of all randomness; equal seeds give equal batches.
    padding : pixels added on each side before cropping back to H x W; `padding_fault` says what is too much.
        0 turns cropping off.
    border : what is added: black, or the picture mirrored at its outermost pixels, which keeps the
        distribution of values.
    flip : whether to mirror left to right with probability one half.

    Returns
    -------
    uint8[N, C, H, W], a new tensor.
    """
    count, _, height, width = images.shape
    if border == "mirror":
        padded = images[:, :, _mirrored(height, padding)][..., _mirrored(width, padding)]
    else:
        padded = nn.functional.pad(images, (padding,) * 4)
    crops = padded.unfold(2, height, 1).unfold(3, width, 1)
    shift = torch.randint(0, 2 * padding + 1, (2, count), generator=generator)
    images = crops[torch.arange(count), :, shift[0], shift[1]]
    if not flip:
        return images
    mirrored = torch.rand(count, generator=generator) < 0.5
    return torch.where(mirrored.view(-1, 1, 1, 1), images.flip(-1), images)


def padding_fault(images: Tensor, padding: int) -> str | None:
    """Return what is wrong with a padding that can shift images [N, C, H, W] out of view, else None."""
    most = min(images.shape[-2:]) - 1
    if padding <= most:
        return None
    size = " x ".join(map(str, images.shape[-2:]))
    return f"`crop_padding` must be at most {most} for images of {size} pixels, not {padding}"


def _mirrored(size: int, padding: int) -> Tensor:
    """Which pixel stands at each place from ``-padding`` to ``size + padding - 1``."""
    inside = torch.arange(-padding, size + padding).abs()
    return size - 1 - (size - 1 - inside).abs()
