"""The order in which the core visits the windows of a job, and where it finds their pixels."""

from collections.abc import Iterator
from typing import Any

from crisp_golden.stimuli.random_jobs import RandomJob


def ring_rows(position: int, base: int, ring: int, cols: int, depth: int) -> dict[str, int]:
    """The walk over a ring of SMEM rows from a position on, as ``ring_layout``; rows modulo ``depth``."""
    row = position // cols
    behind = (row + 1) % ring
    return {
        "row": (base + row) % depth,
        "next_row": (base + behind) % depth,
        "base": base % depth,
        "last": (base + ring - 1) % depth,
    }


def decoded_windows(job: RandomJob) -> Iterator[dict[str, Any]]:
    """What the block-index decoder must emit: ``window_layout`` as dictionaries, in order."""
    config, fields = job.config, job.fields
    cols, depth = config.cols, config.bank_depth
    for row_tile, indices in enumerate(job.lists):
        for pixel_tile in range(fields["pixel_tiles"]):
            for place, index in enumerate(indices):
                number, block = divmod(index, fields["channel_blocks"])
                tap = job.taps[number]
                pixel = pixel_tile * fields["depth_full"] * cols
                position = (fields["act_start"] + pixel + tap["offset"]) % (fields["act_ring"] * cols)
                base = fields["act_base"] + block * fields["act_plane"] + tap["phase"] * fields["act_ring"]
                yield {
                    "ring": ring_rows(position, base, fields["act_ring"], cols, depth),
                    "rotation": position % cols,
                    **{name: tap[name] for name in ("y_low", "y_high", "x_low", "x_high")},
                    "first": int(place == 0),
                    "last": int(place == len(indices) - 1),
                    "first_pixels": int(pixel_tile == 0),
                    "last_pixels": int(pixel_tile == fields["pixel_tiles"] - 1),
                    "last_rows": int(row_tile == len(job.lists) - 1),
                }
