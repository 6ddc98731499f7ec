"""Hypothesis strategies for what golden works on: sparse weights, shapes of layers, sizes of images."""

import numpy as np
from hypothesis import strategies as st

from crisp_golden.arithmetic.network import Pattern
from crisp_golden.format.weight_matrix import block_grid
from crisp_golden.stimuli.random_conv import random_sparse_weight
from crisp_golden.stimuli.shaped_layers import ConvShape


@st.composite
def sparse_weights(draw: st.DrawFn) -> tuple[np.ndarray, Pattern]:
    """An int8 weight, K and C no multiples of anything, and the pattern that it has."""
    m = draw(st.sampled_from([1, 2, 4, 8]))
    n, block = draw(st.integers(1, m)), m * draw(st.integers(1, 3))
    shape = (
        draw(st.integers(1, 20)),
        draw(st.integers(1, 20)),
        *draw(st.sampled_from([(1, 1), (3, 3), (1, 5)])),
    )
    kept = draw(st.integers(0, block_grid(shape, block)[1]))
    return random_sparse_weight(
        np.random.default_rng(draw(st.integers(0, 1 << 32))), shape, n, m, block, kept
    )


@st.composite
def conv_shapes(draw: st.DrawFn, m: int = 4) -> ConvShape:
    """Every kernel, stride, padding, grouping and pattern that the core runs, small."""
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    kind = draw(st.sampled_from(["full", "blocks", "grouped", "depthwise"]))
    return ConvShape(
        kernel=kernel,
        stride=draw(st.integers(1, 2)),
        padding=draw(st.tuples(st.integers(0, kernel[0]), st.integers(0, kernel[1]))),
        groups=draw(st.integers(2, 11)) if kind in ("grouped", "depthwise") else 1,
        channels_per_group=1 if kind == "depthwise" else draw(st.integers(1, 20)),
        outputs_per_group=draw(st.integers(1, 2)) if kind == "depthwise" else draw(st.integers(1, 18)),
        n=draw(st.integers(1, m)),
        m=m,
        block=m * draw(st.sampled_from([1, 2, 4, 8])) if kind == "blocks" else None,
        residual=draw(st.booleans()),
    )


@st.composite
def image_sizes(draw: st.DrawFn, shape: ConvShape, largest: int = 9) -> tuple[int, int]:
    """Heights and widths for which a layer of this shape has an output."""
    low = [max(1, kernel - 2 * padding) for kernel, padding in zip(shape.kernel, shape.padding, strict=True)]
    return draw(st.integers(low[0], largest)), draw(st.integers(low[1], largest))
