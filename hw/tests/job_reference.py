"""Random packed jobs, and the order in which the core visits their windows."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from crisp_golden.config import CoreConfig
from crisp_golden.packing import Job, pack_layer
from golden.tests.job_executor import decode_tap
from golden.tests.random_core_layers import ConvShape, random_layer

KERNELS = ((1, 1), (3, 3), (1, 3), (2, 2))


def random_job(config: CoreConfig, rng: np.random.Generator) -> Job:
    """A job of a few row tiles, pixel tiles and windows; often with the shortest slots there are."""
    kernel = KERNELS[rng.integers(len(KERNELS))]
    shape = ConvShape(
        kernel=kernel,
        stride=int(rng.integers(1, 3)),
        padding=(int(rng.integers(0, kernel[0])), int(rng.integers(0, kernel[1]))),
        channels_per_group=int(rng.integers(1, 3 * config.window)),
        outputs_per_group=int(rng.integers(1, 3 * config.rows)),
        n=int(rng.integers(1, config.m + 1)),
        m=config.m,
        block=config.m * int(rng.integers(1, 4)),
        residual=bool(rng.integers(2)),
    )
    size = rng.integers(3, 8, 2) if rng.integers(2) else rng.integers(3, 4, 2)
    return pack_layer(config, random_layer(rng, shape), int(size[0]), int(size[1]))[0]


def index_lists(job: Job) -> list[list[int]]:
    """Kept window indices of every row tile, from the words of the block-index memory."""
    lists: list[list[int]] = [[]]
    for word in job.index:
        lists[-1].append(word & 0x7FFF)
        if word >> 15:
            lists.append([])
    return lists[:-1]


def decoded_windows(config: CoreConfig, job: Job) -> Iterator[dict[str, Any]]:
    """What the block-index decoder must emit: ``window_layout`` as dictionaries, in order."""
    r = job.registers
    taps = [decode_tap(config, word) for word in job.taps]
    lists = index_lists(job)
    for row_tile, indices in enumerate(lists):
        for pixel_tile in range(r["pixel_tiles"]):
            for position, index in enumerate(indices):
                number, block = divmod(index, r["channel_blocks"])
                tap = taps[number]
                pixel = pixel_tile * r["depth_full"] * config.cols
                base = r["act_base"] + pixel + tap.offset + block * r["act_plane"]
                yield {
                    "base": base % config.smem_words,
                    **{name: getattr(tap, name) for name in ("y_low", "y_high", "x_low", "x_high")},
                    "first": int(position == 0),
                    "last": int(position == len(indices) - 1),
                    "first_pixels": int(pixel_tile == 0),
                    "last_pixels": int(pixel_tile == r["pixel_tiles"] - 1),
                    "last_rows": int(row_tile == len(lists) - 1),
                }
