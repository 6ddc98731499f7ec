"""Seeded random layers and activations for the tests of the integer layers."""

from typing import Any

import numpy as np

from crisp_golden.arithmetic.network import QuantizedConv, ResidualInput


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
