"""Row tiles, kept windows and weight slots hold exactly the layer's weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_golden.arithmetic.network import Pattern, QuantizedConv
from crisp_golden.pack.windows import weight_slots, window_weights
from crisp_golden.stimuli.shaped_layers import ConvShape, random_layer
from crisp_golden.stimuli.small_cores import CORES
from golden.tests.strategies import conv_shapes


def dense_matrix(layer: QuantizedConv, channels: int, rows: int) -> np.ndarray:
    """int8[rows, taps, channels], the block-diagonal matrix of a layer, zero where it has no weight."""
    k, local, kh, kw = layer.weight.shape
    matrix = np.zeros((rows, kh * kw, channels), np.int8)
    for out in range(k):
        first = out // (k // layer.groups) * local
        matrix[out, :, first : first + local] = layer.weight[out].reshape(local, -1).T
    return matrix


@pytest.mark.parametrize("core", CORES)
@settings(max_examples=50, deadline=None, derandomize=True)
@given(data=st.data(), seed=st.integers(0, 1 << 32))
def test_windows_hold_the_block_diagonal_matrix(core: str, data: st.DataObject, seed: int):
    config = CORES[core]
    layer = random_layer(np.random.default_rng(seed), data.draw(conv_shapes(m=config.m)))
    windowed = window_weights(config, layer)
    tiles = -(-layer.out_channels // config.rows)
    taps, blocks = layer.kernel[0] * layer.kernel[1], -(-layer.in_channels // config.word_channels)
    assert windowed.kept.shape == (tiles, taps * blocks)
    assert windowed.weights is not None
    expected = dense_matrix(layer, blocks * config.word_channels, tiles * config.rows)
    np.testing.assert_array_equal(windowed.weights.ravel(), expected.ravel())
    nonzero = (windowed.weights != 0).any(axis=(1, 3, 4))
    assert not (nonzero & ~windowed.kept).any(), "a window with weights is not kept"
    assert windowed.kept.any(axis=1).all()
    largest = np.add.reduceat(expected != 0, np.arange(0, expected.shape[2], config.m), axis=2).max()
    assert windowed.n == max(1, largest)
    np.testing.assert_array_equal(windowed.windows_per_tile, windowed.kept.sum(axis=1))


@settings(max_examples=50, deadline=None, derandomize=True)
@given(m=st.sampled_from([1, 2, 4, 8]), data=st.data(), seed=st.integers(0, 1 << 32))
def test_slots_hold_the_non_zeros_in_ascending_order(m: int, data: st.DataObject, seed: int):
    rng = np.random.default_rng(seed)
    n = data.draw(st.integers(1, m))
    allowed = rng.random((5, 3, m)).argsort(axis=-1) < n
    weights = (rng.integers(-128, 128, (5, 3, m)) * allowed).astype(np.int8)
    values, places = weight_slots(weights, n)
    assert values.shape == places.shape == (5, 3, n)
    rebuilt = np.zeros_like(weights)
    for index in np.ndindex(values.shape):
        rebuilt[index[0], index[1], places[index]] += values[index]
    np.testing.assert_array_equal(rebuilt, weights)
    for value, place in zip(values.reshape(-1, n), places.reshape(-1, n), strict=True):
        used = value != 0
        assert used.tolist() == sorted(used.tolist(), reverse=True), "an empty slot before a non-zero"
        assert (np.diff(place[used].astype(int)) > 0).all()


def patterned(mask: list[list[bool]], block: int, k: int, channels: int) -> QuantizedConv:
    """A 1x1 layer of zeros that claims these kept blocks."""
    return QuantizedConv(
        name="patterned",
        weight=np.zeros((k, channels, 1, 1), np.int8),
        bias=np.zeros(k, np.int32),
        multiplier=np.ones(k, np.uint16),
        shift=np.ones(k, np.uint8),
        pattern=Pattern(n=4, m=4, block=block, block_mask=np.array(mask)),
    )


def test_a_window_is_kept_for_every_row_tile_that_a_kept_block_touches():
    """Rows 2, words of 8 channels. Blocks of 4: two row tiles per block-row, two blocks per window."""
    layer = patterned([[True, False, False, False], [False, False, False, True]], 4, 8, 16)
    kept = window_weights(CORES["m4"], layer).kept
    assert kept.tolist() == [[True, False], [True, False], [False, True], [False, True]]


def test_a_block_larger_than_a_window_keeps_all_its_windows():
    layer = patterned([[False, True]], 16, 2, 32)
    assert window_weights(CORES["m4"], layer).kept.tolist() == [[False, False, True, True]]


def test_kept_blocks_that_hold_only_zeros_are_still_visited():
    layer = patterned([[True, True]], 8, 2, 16)
    windowed = window_weights(CORES["m4"], layer)
    assert windowed.kept.tolist() == [[True, True]]
    assert windowed.n == 1


def test_a_row_tile_without_any_block_still_visits_one_window():
    layer = patterned([[False, False], [False, True]], 8, 16, 16)
    assert window_weights(CORES["m4"], layer).windows_per_tile.tolist() == [1] * 8


def test_depthwise_layers_keep_one_window_per_tap_and_row_tile():
    layer = random_layer(
        np.random.default_rng(1), ConvShape(groups=16, channels_per_group=1, outputs_per_group=1)
    )
    kept = window_weights(CORES["m4"], layer).kept.reshape(8, 9, 2)
    expected = np.zeros((8, 9, 2), bool)
    expected[:4, :, 0] = expected[4:, :, 1] = True
    np.testing.assert_array_equal(kept, expected)
