"""Independent random generators of one run: an epoch's randomness does not depend on what ran before it."""

from enum import IntEnum

import numpy as np
from torch import Generator


class Stream(IntEnum):
    """What a generator is for."""

    ORDER = 0
    AUGMENT = 1
    DROPOUT = 2
    SALIENCY = 3


def stream_seed(seed: int, stream: Stream, number: int) -> int:
    """Return 32 bits that depend on all three; ``number`` is an epoch or a layer, at least 0."""
    return int(np.random.SeedSequence((seed, stream, number)).generate_state(1)[0])


def stream_generator(seed: int, stream: Stream, number: int) -> Generator:
    """Return the generator of one stream."""
    return Generator().manual_seed(stream_seed(seed, stream, number))
