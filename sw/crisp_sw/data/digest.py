"""What a data set holds, as one short text, so that nothing made of other images is taken for its own."""

import hashlib
import json
import math
from collections.abc import Iterator

from torch import Tensor

from crisp_sw.data.dataset import DatasetSplits

MOST_BYTES = 1 << 30
"""Read from the images of a split: all of Tiny ImageNet; of larger ones every second, third ... image."""
CHUNK_IMAGES = 1024


def data_digest(splits: DatasetSplits) -> str:
    """Return the SHA-256 of class names, labels, shapes and pixels, whatever the data set is called."""
    digest = hashlib.sha256(json.dumps(splits.classes).encode())
    for part in (splits.train, splits.test):
        digest.update(f"{tuple(part.images.shape)}".encode())
        digest.update(part.labels.numpy().tobytes())
        for chunk in _chunks(part.images):
            digest.update(chunk)
    return digest.hexdigest()


def _chunks(images: Tensor) -> Iterator[bytes]:
    step = max(1, math.ceil(images.numel() / MOST_BYTES))
    for start in range(0, len(images), step * CHUNK_IMAGES):
        yield images[start : start + step * CHUNK_IMAGES : step].numpy().tobytes()
