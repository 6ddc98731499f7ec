"""The pictures show the blocks and weights that are there."""

import re

import numpy as np

from crisp_golden.arithmetic.network import Pattern, QuantizedConv
from crisp_sw.report.charts.pattern_picture import block_map, block_zoom, first_kept_block


def layer_with(mask: np.ndarray, weight: np.ndarray, block: int) -> tuple[QuantizedConv, Pattern]:
    pattern = Pattern(n=4, m=4, block=block, block_mask=mask)
    channels = len(weight)
    layer = QuantizedConv(
        name='a"<b>',
        weight=weight,
        bias=np.zeros(channels, np.int32),
        multiplier=np.ones(channels, np.uint16),
        shift=np.ones(channels, np.uint8),
        pattern=pattern,
    )
    return layer, pattern


def test_map_has_one_square_per_kept_block_and_a_line_between_taps():
    mask = np.random.default_rng(1).random((4, 18)) < 0.4
    svg = block_map(*layer_with(mask, np.ones((64, 32, 3, 3), np.int8), 16))
    squares = {(int(y), int(x)) for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", svg)}
    assert squares == {(int(y), int(x)) for y, x in np.argwhere(mask)}
    assert re.findall(r"M(\d+) 0v4", svg) == [str(2 * tap) for tap in range(1, 9)]
    assert "a&quot;&lt;b>" in svg


def test_zoom_shows_the_block_of_its_tap_and_channels():
    weight = np.zeros((8, 8, 1, 2), np.int8)
    weight[4:, 4:, 0, 1] = np.arange(1, 17).reshape(4, 4)
    mask = np.zeros((2, 4), bool)
    mask[1, 3] = True  # tap 1, channels 4 to 7
    layer, pattern = layer_with(mask, weight, 4)
    block = first_kept_block(layer, pattern)
    assert block is not None
    assert np.array_equal(block, weight[4:, 4:, 0, 1])
    assert block_zoom(layer, pattern).count('class="weight"') == 16


def test_block_over_the_edge_is_padded():
    layer, pattern = layer_with(np.ones((1, 1), bool), np.ones((3, 2, 1, 1), np.int8), 4)
    block = first_kept_block(layer, pattern)
    assert block is not None
    assert block.shape == (4, 4)
    assert block.sum() == 6


def test_layer_without_kept_blocks_has_no_zoom():
    layer, pattern = layer_with(np.zeros((1, 2), bool), np.zeros((4, 8, 1, 1), np.int8), 4)
    assert first_kept_block(layer, pattern) is None
    assert block_zoom(layer, pattern) == ""
