"""Scikit-learn's handwritten digits: the last resort that needs no download and no file.

1,797 grey pictures of 8x8 pixels and 17 levels (UCI "Optical Recognition of Handwritten Digits", CC BY 4.0),
enlarged to the size that the networks expect.
"""

import torch

from crisp_sw.data.dataset import DatasetSplits, ImageSet
from crisp_sw.data.resize import resize_images

DEFAULT_SIZE = 28
LEVELS = 16
TEST_EVERY = 5
CLASSES = tuple(str(digit) for digit in range(10))


def load_digits(image_size: int | None = None) -> DatasetSplits:
    """Return the digits at ``image_size`` pixels (28 unless given); every fifth image is a test image."""
    from sklearn.datasets import load_digits as load_bunch  # which takes a second

    flat, targets = load_bunch(return_X_y=True)
    pixels = torch.from_numpy(flat).float().view(-1, 8, 8) * (255 / LEVELS)
    images = resize_images(pixels.round().to(torch.uint8)[:, None], image_size or DEFAULT_SIZE)
    labels = torch.from_numpy(targets).long()
    is_test = torch.arange(len(labels)) % TEST_EVERY == 0
    return DatasetSplits(
        name="digits",
        train=ImageSet(images[~is_test], labels[~is_test]),
        test=ImageSet(images[is_test], labels[is_test]),
        classes=CLASSES,
        class_ids=CLASSES,
    )
