"""Independent random generators of one run: an epoch's randomness does not depend on what ran before it."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import numpy as np
import torch
from torch import Generator


class Stream(IntEnum):
    """What a generator is for."""

    ORDER = 0
    AUGMENT = 1
    DROPOUT = 2
    SALIENCY = 3
    UNLABELLED = 4


def stream_seed(seed: int, stream: Stream, number: int) -> int:
    """Return 32 bits that depend on all three; ``number`` is an epoch or a layer, at least 0."""
    return int(np.random.SeedSequence((seed, stream, number)).generate_state(1)[0])


def stream_generator(seed: int, stream: Stream, number: int) -> Generator:
    """Return the generator of one stream."""
    return Generator().manual_seed(stream_seed(seed, stream, number))


@contextmanager
def seeded(device: torch.device, seed: int) -> Iterator[None]:
    """Let torch's global generators, that of ``device`` too, start from ``seed`` within, and go on after."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
