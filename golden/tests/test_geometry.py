"""Stored phases, tap offsets and ranges reproduce im2col; outputs and residuals come back as they went in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_golden.geometry import ConvGeometry
from crisp_golden.network import QuantizedConv
from golden.tests.random_conv import random_int8
from golden.tests.random_core_layers import CORES, ConvShape, conv_shapes, image_sizes, random_layer

CONFIG = CORES["m4"]
RING = 1 << 12


def im2col(layer: QuantizedConv, x: np.ndarray) -> np.ndarray:
    """int8[taps, C, Hout, Wout] by padding the image and slicing it with the stride."""
    (kh, kw), (ph, pw), s = layer.kernel, layer.padding, layer.stride
    rows, columns = layer.out_size(*x.shape[1:])
    padded = np.pad(x, ((0, 0), (ph, ph), (pw, pw)), constant_values=layer.x_zero_point)
    taps = [
        padded[:, ky : ky + s * rows : s, kx : kx + s * columns : s][:, :rows, :columns]
        for ky in range(kh)
        for kx in range(kw)
    ]
    return np.stack(taps)


def read_taps(geometry: ConvGeometry, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """int8[taps, C, rows, Wout] as the core reads it: words at base + offset, masked by the ranges."""
    words = geometry.store(x, CONFIG)
    base = int(rng.integers(RING))
    memory = random_int8(rng, RING, CONFIG.window)
    memory[(base + np.arange(len(words))) % RING] = words
    y, px = np.divmod(np.arange(geometry.grid_pixels), geometry.pitch)
    blocks = len(words) // geometry.plane
    result = []
    for tap in geometry.taps():
        inside = (tap.y_range[0] <= y) & (y < tap.y_range[1]) & (tap.x_range[0] <= px) & (px < tap.x_range[1])
        address = base + np.arange(geometry.grid_pixels) + geometry.tap_offset(tap)
        planes = [memory[(address + block * geometry.plane) % RING] for block in range(blocks)]
        values = np.where(inside[:, None], np.concatenate(planes, axis=1), geometry.layer.x_zero_point)
        result.append(values[px < geometry.out_width, : x.shape[0]].T)
    return np.stack(result).reshape(len(result), x.shape[0], geometry.rows, geometry.out_width)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(data=st.data(), seed=st.integers(0, 1 << 32))
def test_taps_of_a_band_read_its_im2col_matrix(data: st.DataObject, seed: int):
    rng = np.random.default_rng(seed)
    shape = data.draw(conv_shapes())
    height, width = data.draw(image_sizes(shape))
    layer = random_layer(rng, shape)
    rows = layer.out_size(height, width)[0]
    first = data.draw(st.integers(0, rows - 1))
    last = data.draw(st.integers(first + 1, rows))
    geometry = ConvGeometry(layer=layer, height=height, width=width, first_row=first, last_row=last)
    x = random_int8(rng, layer.in_channels, height, width)
    np.testing.assert_array_equal(read_taps(geometry, x, rng), im2col(layer, x)[:, :, first:last])


def geometry_of(
    shape: ConvShape, height: int, width: int, rows: tuple[int, int] | None = None
) -> ConvGeometry:
    layer = random_layer(np.random.default_rng(0), shape)
    first, last = rows or (0, layer.out_size(height, width)[0])
    return ConvGeometry(layer=layer, height=height, width=width, first_row=first, last_row=last)


def test_a_3x3_layer_with_stride_1_stores_the_image_as_it_is():
    geometry = geometry_of(ConvShape(kernel=(3, 3)), 6, 5)
    assert geometry.phases == ((0, 0),)
    assert (geometry.pitch, geometry.phase_words, geometry.plane, geometry.grid_pixels) == (5, 30, 30, 30)
    offsets = [geometry.tap_offset(tap) for tap in geometry.taps()]
    assert offsets == [-6, -5, -4, -1, 0, 1, 4, 5, 6]
    corner = geometry.taps()[0]
    assert (corner.y_range, corner.x_range) == ((1, 6), (1, 5))


def test_a_3x3_layer_with_stride_2_stores_four_phases():
    geometry = geometry_of(ConvShape(kernel=(3, 3), stride=2), 7, 7)
    assert geometry.phases == ((0, 0), (0, 1), (1, 0), (1, 1))
    assert (geometry.pitch, geometry.phase_words, geometry.plane) == (4, 16, 64)
    centre = geometry.taps()[4]
    assert (centre.phase, centre.dy, centre.dx) == (0, 0, 0)
    assert (geometry.taps()[0].phase, geometry.tap_offset(geometry.taps()[0])) == (3, 3 * 16 - 4 - 1)


def test_a_1x1_layer_with_stride_2_stores_only_the_phase_it_reads():
    geometry = geometry_of(ConvShape(kernel=(1, 1), stride=2, padding=(0, 0)), 8, 8)
    assert geometry.phases == ((0, 0),)
    assert geometry.plane == 16


def test_a_band_stores_only_the_rows_that_its_taps_reach():
    inner = geometry_of(ConvShape(kernel=(3, 3)), 10, 4, rows=(4, 6))
    assert inner.stored_rows == (3, 7)
    assert inner.plane == 4 * 4
    top = geometry_of(ConvShape(kernel=(3, 3)), 10, 4, rows=(0, 2))
    assert top.stored_rows == (0, 3)


def test_outputs_wider_than_the_input_set_the_pitch():
    geometry = geometry_of(ConvShape(kernel=(1, 1), padding=(0, 2)), 3, 3)
    assert (geometry.out_width, geometry.pitch) == (7, 7)
    assert geometry.grid_pixels == 3 * 7


def test_inputs_wider_than_the_output_leave_gaps_in_the_pixel_grid():
    geometry = geometry_of(ConvShape(kernel=(3, 3), padding=(0, 0)), 5, 6)
    assert (geometry.out_width, geometry.pitch) == (4, 6)
    assert geometry.grid_pixels == 2 * 6 + 4


def test_a_tap_wholly_in_the_padding_has_an_empty_range():
    geometry = geometry_of(ConvShape(kernel=(3, 1), padding=(3, 0)), 2, 2, rows=(0, 1))
    assert [tap.y_range for tap in geometry.taps()] == [(0, 0), (0, 0), (0, 0)]


@pytest.mark.parametrize("channels", [1, 8, 11])
def test_residual_words_and_output_words_hold_the_same_pixels(channels: int):
    """With no gaps in the grid, a stored residual fetched as an output is the residual's band."""
    rng = np.random.default_rng(channels)
    geometry = geometry_of(ConvShape(kernel=(3, 3), outputs_per_group=channels), 6, 5, rows=(2, 5))
    residual = random_int8(rng, channels, 6, 5)
    words = geometry.store_residual(residual, CONFIG)
    assert words.shape == (-(-channels // CONFIG.window) * 3 * 5, CONFIG.window)
    np.testing.assert_array_equal(geometry.fetch_output(words, channels), residual[:, 2:5])


def test_residual_rows_lie_a_pitch_apart():
    geometry = geometry_of(ConvShape(kernel=(1, 3), padding=(0, 0), outputs_per_group=8), 2, 6)
    residual = random_int8(np.random.default_rng(3), 8, 2, 4)
    words = geometry.store_residual(residual, CONFIG).reshape(2, 6, CONFIG.window)
    np.testing.assert_array_equal(words[:, :4].transpose(2, 0, 1), residual)
    assert not words[:, 4:].any()
