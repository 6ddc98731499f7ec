"""Exact accumulators against ONNX Runtime's integer operators, at the limits, and in chunks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_golden.arithmetic import convolution
from crisp_golden.arithmetic.convolution import accumulate, exact_float, run_conv
from crisp_golden.arithmetic.fixed_point import requantize
from crisp_golden.arithmetic.network import QuantizedConv
from crisp_golden.stimuli.random_conv import random_conv, random_int8, random_residual
from crisp_spec.errors import LayerError
from golden.tests.arithmetic.onnx_integer import conv_integer, matmul_integer


@st.composite
def layers_with_input(draw: st.DrawFn) -> tuple[QuantizedConv, np.ndarray]:
    """Any kernel, stride, padding and grouping, with an input large enough."""
    kind = draw(st.sampled_from(["dense", "grouped", "depthwise"]))
    groups = 1 if kind == "dense" else draw(st.integers(2, 5))
    per_group = 1 if kind == "depthwise" else draw(st.integers(1, 9))
    kh, kw = draw(st.sampled_from([1, 3, 5, 7])), draw(st.sampled_from([1, 3, 5, 7]))
    padding = draw(st.integers(0, kh // 2)), draw(st.integers(0, kw // 2))
    height = draw(st.integers(kh - 2 * padding[0], 11).filter(bool))
    width = draw(st.integers(kw - 2 * padding[1], 11).filter(bool))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    shape = (groups * draw(st.integers(1, 4)), per_group, kh, kw)
    layer = random_conv(rng, shape, stride=draw(st.integers(1, 3)), padding=padding, groups=groups)
    return layer, random_int8(rng, draw(st.integers(1, 3)), groups * per_group, height, width)


@settings(max_examples=150)
@given(layers_with_input())
def test_accumulators_equal_conv_integer(case: tuple[QuantizedConv, np.ndarray]):
    layer, x = case
    result = accumulate(layer, x)
    # ConvInteger subtracts the zero point from each input, golden has it folded into the bias.
    sums = layer.weight.sum(axis=(1, 2, 3), dtype=np.int64)
    folded = layer.bias.astype(np.int64) + layer.x_zero_point * sums
    assert result.dtype == np.int32
    assert result.shape[2:] == layer.out_size(*x.shape[2:])
    assert np.array_equal(result, conv_integer(layer, x) + folded[:, None, None])


@st.composite
def linear_layers_with_input(draw: st.DrawFn) -> tuple[QuantizedConv, np.ndarray]:
    """Linear layers with reductions on both sides of what single precision sums exactly."""
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    inputs = draw(st.integers(1, 3000))
    layer = random_conv(rng, (draw(st.integers(1, 20)), inputs, 1, 1))
    return layer, random_int8(rng, draw(st.integers(1, 8)), inputs, 1, 1)


@settings(max_examples=40)
@given(linear_layers_with_input())
def test_linear_accumulators_equal_matmul_integer(case: tuple[QuantizedConv, np.ndarray]):
    layer, x = case
    matrix = layer.weight[:, :, 0, 0].T
    folded = layer.bias + layer.x_zero_point * matrix.sum(axis=0, dtype=np.int64)
    expected = matmul_integer(x[:, :, 0, 0], matrix, layer.x_zero_point) + folded
    assert np.array_equal(accumulate(layer, x)[:, :, 0, 0], expected)


@pytest.mark.parametrize("inputs", [1023, 1024, 1025, 40_000])
@pytest.mark.parametrize("sign", [-1, 1])
def test_accumulators_stay_exact_beyond_float32(inputs: int, sign: int):
    """1024 * 128 * 128 = 2**24: from there on single precision would drop the odd bits."""
    weight = np.full((1, inputs, 1, 1), -128, np.int8)
    weight[0, -1] = 127
    layer = random_conv(np.random.default_rng(0), weight.shape, weight=weight)
    x = np.full((1, inputs, 1, 1), -128 if sign > 0 else 127, np.int8)
    expected = int(layer.bias[0]) + int(weight.sum(dtype=np.int64)) * int(x[0, 0, 0, 0])
    assert accumulate(layer, x).tolist() == [[[[expected]]]]


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([-128] * 1024, np.float32),  # reaches 2**24, the last integer before the gaps
        ([-128] * 1024 + [1], np.float64),
        ([-128] * 1024 + [-1], np.float64),
        ([127] * 1032, np.float32),
        ([127] * 1033, np.float64),
        ([127, -127] * 518, np.float32),
        ([127, -127] * 519, np.float64),
        ([0] * 40_000, np.float32),
    ],
)
def test_float_type_is_the_narrowest_that_is_exact(weights: list[int], expected: type):
    weight = np.array(weights, np.int8).reshape(1, -1, 1, 1)
    layer = random_conv(np.random.default_rng(0), weight.shape, weight=weight)
    positive, negative = weight[weight > 0].sum(dtype=int), -weight[weight < 0].sum(dtype=int)
    bound = max(128 * positive + 127 * negative, 127 * positive + 128 * negative)
    assert (bound <= 1 << 24) == (expected is np.float32)
    assert exact_float(layer) is expected


def test_one_channel_beyond_the_bound_makes_the_layer_double():
    weight = np.ones((3, 1025, 1, 1), np.int8)
    layer = random_conv(np.random.default_rng(0), weight.shape, weight=weight)
    assert exact_float(layer) is np.float32
    weight[1] = -128
    assert exact_float(layer) is np.float64


def test_largest_legal_accumulator_is_reached_without_wrapping():
    weight = np.full((2, 3640, 6, 6), -128, np.int8)
    room = (1 << 31) - 1 - 128 * 128 * weight[0].size
    layer = random_conv(
        np.random.default_rng(0), weight.shape, weight=weight, bias=np.array([room, 0], np.int32)
    )
    x = np.full((1, 3640, 6, 6), -128, np.int8)
    assert accumulate(layer, x).ravel().tolist() == [(1 << 31) - 1, (1 << 31) - 1 - room]


@pytest.mark.parametrize("chunk", [2 * 54 * 20, 2 * 54 * 4, 1], ids=["images", "two rows", "one row"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("groups", [1, 2, 6])
def test_chunking_does_not_change_the_result(
    monkeypatch: pytest.MonkeyPatch, groups: int, stride: int, chunk: int
):
    rng = np.random.default_rng(1)
    layer = random_conv(
        rng,
        (6, 6 // groups, 3, 3),
        groups=groups,
        stride=stride,
        padding=(1, 1),
        residual=random_residual(rng, 6),
    )
    x = random_int8(rng, 7, 6, 5, 4)
    residual = random_int8(rng, 7, 6, *layer.out_size(5, 4))
    whole = run_conv(layer, x, residual)
    assert np.array_equal(whole, requantize(accumulate(layer, x), layer, residual))
    monkeypatch.setattr(convolution, "CHUNK_ELEMENTS", chunk)
    assert np.array_equal(run_conv(layer, x, residual), whole)


def test_empty_batch():
    layer = random_conv(np.random.default_rng(0), (4, 3, 1, 1))
    assert run_conv(layer, np.zeros((0, 3, 5, 5), np.int8)).shape == (0, 4, 5, 5)


def test_illegal_layers_and_inputs_are_refused():
    layer = random_conv(np.random.default_rng(0), (4, 3, 1, 1))
    x = np.zeros((1, 3, 2, 2), np.int8)
    for run in (accumulate, run_conv):
        with pytest.raises(LayerError, match="stride must be at least 1, not 0"):
            run(random_conv(np.random.default_rng(0), (4, 3, 1, 1), stride=0), x)
        with pytest.raises(LayerError, match="input has 2 channels, expected 3"):
            run(layer, x[:, :2])
    with pytest.raises(LayerError, match="expected no residual tensor"):
        run_conv(layer, x, x)
