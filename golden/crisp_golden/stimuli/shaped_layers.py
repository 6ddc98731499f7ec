"""Random layers of a chosen shape: only the values come from a seed."""

from dataclasses import dataclass

import numpy as np

from crisp_golden.arithmetic.network import Pattern, QuantizedConv
from crisp_golden.stimuli.random_conv import random_residual


@dataclass(frozen=True, kw_only=True)
class ConvShape:
    """What distinguishes one random layer from another; the values come from a seed."""

    kernel: tuple[int, int] = (3, 3)
    stride: int = 1
    padding: tuple[int, int] = (1, 1)
    groups: int = 1
    channels_per_group: int = 8
    outputs_per_group: int = 6
    n: int = 2
    m: int = 4
    block: int | None = None
    residual: bool = False


def random_layer(rng: np.random.Generator, shape: ConvShape) -> QuantizedConv:
    """A layer with at most ``n`` non-zeros per group and, if ``block`` is given, random kept blocks."""
    k, local = shape.groups * shape.outputs_per_group, shape.channels_per_group
    kh, kw = shape.kernel
    weight = rng.integers(-128, 128, (k, kh, kw, local))
    score = rng.random((k, kh, kw, -(-local // shape.m), shape.m))
    fine = (score.argsort(-1).argsort(-1) < shape.n).reshape(k, kh, kw, -1)[..., :local]
    weight = weight * fine
    pattern = None
    if shape.block is not None:
        pattern = _random_pattern(rng, shape, k, local * shape.groups)
        inside = pattern.block_mask.repeat(shape.block, axis=0)[:k].reshape(k, kh, kw, -1)
        weight = weight * inside.repeat(shape.block, axis=-1)[..., :local]
    return QuantizedConv(
        name="random",
        weight=weight.transpose(0, 3, 1, 2).astype(np.int8),
        bias=rng.integers(-(1 << 16), 1 << 16, k).astype(np.int32),
        multiplier=rng.integers(0, 1 << 16, k).astype(np.uint16),
        shift=rng.integers(18, 28, k).astype(np.uint8),
        stride=shape.stride,
        padding=shape.padding,
        groups=shape.groups,
        x_zero_point=int(rng.integers(-128, 128)),
        y_zero_point=int(rng.integers(-128, 128)),
        q_min=int(rng.integers(-128, -100)),
        q_max=int(rng.integers(100, 128)),
        residual=random_residual(rng, k) if shape.residual else None,
        pattern=pattern,
    )


def _random_pattern(rng: np.random.Generator, shape: ConvShape, k: int, channels: int) -> Pattern:
    block = shape.block or 1
    rows, columns = -(-k // block), shape.kernel[0] * shape.kernel[1] * -(-channels // block)
    kept = int(rng.integers(1, columns + 1))
    mask = rng.random((rows, columns)).argsort(axis=1).argsort(axis=1) < kept
    return Pattern(n=shape.n, m=shape.m, block=block, block_mask=mask)
