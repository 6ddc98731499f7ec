"""Seeded random layers, activations and hybrid-sparse weights with any legal values."""

from typing import Any

import numpy as np

from crisp_golden.arithmetic.network import Pattern, QuantizedConv, ResidualInput
from crisp_golden.format.weight_matrix import block_grid, weight_from_matrix


def random_conv(rng: np.random.Generator, shape: tuple[int, ...], **fields: Any) -> QuantizedConv:
    """A legal layer whose weight has the given shape (K, C / groups, kh, kw) and any int8 values."""
    channels = shape[0]
    values: dict[str, Any] = {
        "name": "layer",
        "weight": rng.integers(-128, 128, shape).astype(np.int8),
        "bias": rng.integers(-100_000, 100_000, channels).astype(np.int32),
        "multiplier": rng.integers(1 << 15, 1 << 16, channels).astype(np.uint16),
        "shift": rng.integers(20, 32, channels).astype(np.uint8),
        "x_zero_point": int(rng.integers(-128, 128)),
        "y_zero_point": int(rng.integers(-128, 128)),
    }
    return QuantizedConv(**values | fields)


def random_residual(rng: np.random.Generator, channels: int) -> ResidualInput:
    """A residual input with any legal parameters."""
    return ResidualInput(
        zero_point=int(rng.integers(-128, 128)),
        multiplier=rng.integers(0, 1 << 16, channels).astype(np.uint16),
        shift=rng.integers(0, 16, channels).astype(np.uint8),
    )


def random_int8(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Any int8 values."""
    return rng.integers(-128, 128, shape).astype(np.int8)


def random_sparse_weight(
    rng: np.random.Generator, shape: tuple[int, int, int, int], n: int, m: int, block: int, kept: int
) -> tuple[np.ndarray, Pattern]:
    """A weight with up to ``n`` non-zeros per group in ``kept`` random blocks of every block-row."""
    rows, columns = block_grid(shape, block)
    mask = rng.permuted(np.tile(np.arange(columns) < kept, (rows, 1)), axis=1)
    groups = rng.integers(-128, 128, (rows * block * columns * block // m, m)).astype(np.int8)
    groups[rng.permuted(np.tile(np.arange(m) >= n, (len(groups), 1)), axis=1)] = 0
    matrix = groups.reshape(rows * block, columns * block) * mask.repeat(block, axis=0).repeat(block, axis=1)
    return weight_from_matrix(matrix, shape), Pattern(n=n, m=m, block=block, block_mask=mask)
