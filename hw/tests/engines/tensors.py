"""Random tensors in rings of the activation memory, and the addresses of their pixels."""

from collections.abc import Iterator
from random import Random

from crisp_spec.config import PRESETS, CoreConfig

CONFIGS = {
    "tiny": PRESETS["tiny"],
    "narrow": CoreConfig(rows=2, cols=4, lanes=4, bus_bits=64, smem_words=1024, weight_words=256),
    "wide": CoreConfig(rows=2, cols=4, lanes=8, bus_bits=256, smem_words=1024, weight_words=256),
}
"""One beat per word, two, and one of 256 bits."""


def random_tensor(config: CoreConfig, rng: Random, *, phased: bool) -> dict[str, int]:
    """Fields of a transfer of rows that wrap round in their ring and do not overlap."""
    rows, width = rng.randint(1, 6), rng.randint(1, 9)
    planes = rng.randint(1, 3)
    odd_row = int(phased and rng.random() < 0.5)
    ring_rows = (rows + odd_row + 1) // 2 if phased else rows
    pitch = ((width + 1) // 2 if phased else width) + rng.randint(0, 3)
    ring = -(-ring_rows * pitch // config.cols) + rng.randint(0, 2)
    plane = ring * (4 if phased else 1) + rng.randint(0, 2)
    return {
        "planes": planes,
        "rows": rows,
        "width": width,
        "pitch": pitch,
        "base": rng.randrange(config.bank_depth),
        "plane": plane,
        "ring": ring,
        "start": rng.randrange(ring * config.cols),
        "phased": int(phased),
        "odd_row": odd_row,
    }


def pixel_words(config: CoreConfig, tensor: dict[str, int]) -> Iterator[int]:
    """SMEM word of every pixel of a transfer, in the order of external memory."""
    words = tensor["ring"] * config.cols
    for plane in range(tensor["planes"]):
        for y in range(tensor["rows"]):
            for x in range(tensor["width"]):
                row, column, phase = y, x, 0
                if tensor.get("phased"):
                    row, parity = divmod(y + tensor["odd_row"], 2)
                    column, phase = x // 2, 2 * parity + x % 2
                position = (tensor["start"] + row * tensor["pitch"] + column) % words
                first = tensor["base"] + plane * tensor["plane"] + phase * tensor["ring"]
                yield (first * config.cols + position) % config.smem_words
