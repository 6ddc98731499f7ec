"""Tap offsets and ranges over placed tensors reproduce im2col; places hold what was written into them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_golden.pack.geometry import Band, Kernel
from crisp_golden.pack.placement import TensorPlace
from crisp_golden.stimuli.random_conv import random_int8
from crisp_golden.stimuli.small_cores import CORES
from crisp_spec.errors import LayerError

CONFIG = CORES["m4"]


@st.composite
def bands(draw: st.DrawFn) -> Band:
    """A band of some rows of any layer, with a pitch that may be wider than needed."""
    size = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    kernel = Kernel(
        size=size,
        stride=draw(st.integers(1, 2)),
        padding=draw(st.tuples(st.integers(0, size[0]), st.integers(0, size[1]))),
    )
    height, width = (
        draw(st.integers(max(1, extent - 2 * pad), 9))
        for extent, pad in zip(size, kernel.padding, strict=True)
    )
    rows = kernel.out_size(height, width)[0]
    first = draw(st.integers(0, rows - 1))
    last = draw(st.integers(first + 1, rows))
    pitch = kernel.grid_width(width) + draw(st.integers(0, 3))
    return Band(kernel=kernel, height=height, width=width, first_row=first, last_row=last, pitch=pitch)


def im2col(kernel: Kernel, x: np.ndarray) -> np.ndarray:
    """int8[taps, C, Hout, Wout] by padding the image with 77 and slicing it with the stride."""
    (kh, kw), (ph, pw), s = kernel.size, kernel.padding, kernel.stride
    rows, columns = kernel.out_size(*x.shape[1:])
    padded = np.pad(x, ((0, 0), (ph, ph), (pw, pw)), constant_values=77)
    taps = [
        padded[:, ky : ky + s * rows : s, kx : kx + s * columns : s][:, :rows, :columns]
        for ky in range(kh)
        for kx in range(kw)
    ]
    return np.stack(taps)


def read_taps(band: Band, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """int8[taps, C, rows, Wout] as the core reads it, from a memory with only the band's input rows."""
    phased = band.kernel.stride == 2
    low, high = band.input_rows()
    rows = (high + 1) // 2 - low // 2 if phased else high - low
    ring = max(1, -(-rows * band.pitch // CONFIG.cols)) + int(rng.integers(3))
    place = TensorPlace(base=5, planes=2, ring=ring, pitch=band.pitch, phased=phased)
    smem = random_int8(rng, 1 << 12, CONFIG.word_channels)
    place.write(smem, x, low, high, CONFIG)
    y, px = np.divmod(np.arange(band.grid_pixels), band.pitch)
    result = []
    for tap in band.taps():
        inside = (tap.y_range[0] <= y) & (y < tap.y_range[1]) & (tap.x_range[0] <= px) & (px < tap.x_range[1])
        start = place.position(band.first_row, CONFIG) + tap.dy * band.pitch + tap.dx
        position = (start + np.arange(band.grid_pixels)) % (ring * CONFIG.cols)
        row = place.base + (tap.phase if phased else 0) * ring
        planes = [smem[(row + plane * place.plane) * CONFIG.cols + position] for plane in range(2)]
        values = np.where(inside[:, None], np.concatenate(planes, axis=1), 77)
        result.append(values[px < band.out_width, : len(x)].T)
    return np.stack(result).reshape(len(result), len(x), band.rows, band.out_width)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(band=bands(), seed=st.integers(0, 1 << 32))
def test_taps_of_a_band_read_its_im2col_matrix(band: Band, seed: int):
    rng = np.random.default_rng(seed)
    x = random_int8(rng, 11, band.height, band.width)
    expected = im2col(band.kernel, x)[:, :, band.first_row : band.last_row]
    np.testing.assert_array_equal(read_taps(band, x, rng), expected)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(data=st.data(), seed=st.integers(0, 1 << 32), phased=st.booleans())
def test_a_place_gives_back_the_rows_that_were_written(data: st.DataObject, seed: int, phased: bool):
    rng = np.random.default_rng(seed)
    height, width = data.draw(st.tuples(st.integers(1, 12), st.integers(1, 9)))
    first = data.draw(st.integers(0, height - 1))
    last = data.draw(st.integers(first + 1, height))
    pitch = -(-width // (2 if phased else 1)) + data.draw(st.integers(0, 2))
    rows = (last + 1) // 2 - first // 2 if phased else last - first
    ring = -(-rows * pitch // CONFIG.cols)
    place = TensorPlace(base=3, planes=2, ring=ring, pitch=pitch, phased=phased)
    x, smem = random_int8(rng, 13, height, width), random_int8(rng, 2048, CONFIG.word_channels)
    before = smem.copy()
    place.write(smem, x, first, last, CONFIG)
    np.testing.assert_array_equal(place.read(smem, 13, first, last, width, CONFIG), x[:, first:last])
    outside = np.ones(len(smem), bool)
    outside[place.base * CONFIG.cols : place.end * CONFIG.cols] = False
    np.testing.assert_array_equal(smem[outside], before[outside])


def kernel(size: tuple[int, int], stride: int = 1, padding: tuple[int, int] = (0, 0)) -> Kernel:
    return Kernel(size=size, stride=stride, padding=padding)


def test_the_grid_is_as_wide_as_the_wider_of_input_and_output():
    assert kernel((3, 3), padding=(1, 1)).grid_width(7) == 7
    assert kernel((3, 3)).grid_width(7) == 7
    assert kernel((1, 1), padding=(0, 2)).grid_width(3) == 7
    assert kernel((3, 3), stride=2, padding=(1, 1)).grid_width(7) == 4


def test_a_3x3_layer_with_stride_2_reads_four_phases():
    band = Band(kernel=kernel((3, 3), 2, (1, 1)), height=7, width=7, first_row=0, last_row=4, pitch=4)
    assert [tap.phase for tap in band.taps()] == [3, 2, 3, 1, 0, 1, 3, 2, 3]
    centre, corner = band.taps()[4], band.taps()[0]
    assert (centre.dy, centre.dx, centre.y_range, centre.x_range) == (0, 0, (0, 4), (0, 4))
    assert (corner.dy, corner.dx, corner.y_range, corner.x_range) == (-1, -1, (1, 4), (1, 4))


def test_input_rows_are_those_inside_the_image():
    same = kernel((3, 3), padding=(1, 1))
    assert same.input_rows(0, 2, 10) == (0, 3)
    assert same.input_rows(4, 6, 10) == (3, 7)
    assert kernel((7, 7), 2, (3, 3)).input_rows(0, 1, 224) == (0, 4)


def test_a_tap_wholly_in_the_padding_has_an_empty_range():
    band = Band(kernel=kernel((3, 1), 1, (3, 0)), height=2, width=2, first_row=0, last_row=1, pitch=2)
    assert [tap.y_range for tap in band.taps()] == [(0, 0), (0, 0), (0, 0)]


@pytest.mark.parametrize("stride", [0, 3])
def test_strides_beyond_the_phases_are_refused(stride: int):
    with pytest.raises(LayerError, match=rf"^stride {stride} is not supported by the core, expected 1 or 2$"):
        kernel((3, 3), stride)
