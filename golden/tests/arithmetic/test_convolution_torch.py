"""Whole quantized layers against PyTorch, in float and quantized, within one LSB."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from crisp_golden.arithmetic.convolution import run_conv
from crisp_golden.arithmetic.fixed_point import quantize_output_scales
from crisp_golden.arithmetic.network import QuantizedConv, ResidualInput
from crisp_golden.stimuli.random_conv import random_int8

torch = pytest.importorskip("torch", reason="compares with PyTorch, which golden does without")

X_SCALE, RESIDUAL_SCALE = 0.05, 0.03
# Multipliers and biases are rounded, so the two roundings differ now and then: rarely, and by one.
RARELY = 0.02


def conv_from_scales(
    weight: np.ndarray, weight_scale: np.ndarray, bias: np.ndarray, y_scale: float, x_zero_point: int
) -> QuantizedConv:
    """Quantize as the literature says: scales to multipliers, bias to the accumulator's scale."""
    scales = quantize_output_scales(X_SCALE * weight_scale / y_scale)
    folded = x_zero_point * weight.sum(axis=(1, 2, 3), dtype=np.int64)
    return QuantizedConv(
        name="layer",
        weight=weight,
        bias=(np.rint(bias / (X_SCALE * weight_scale)) - folded).astype(np.int32),
        multiplier=scales.multiplier,
        shift=scales.shift,
        padding=(1, 1),
        x_zero_point=x_zero_point,
    )


def add_residual(layer: QuantizedConv, weight_scale: np.ndarray, y_scale: float, zero: int) -> QuantizedConv:
    """The same layer with a residual input of scale ``RESIDUAL_SCALE``."""
    scales = quantize_output_scales(X_SCALE * weight_scale / y_scale, RESIDUAL_SCALE / y_scale)
    assert scales.residual_multiplier is not None
    assert scales.residual_shift is not None
    source = ResidualInput(
        zero_point=zero, multiplier=scales.residual_multiplier, shift=scales.residual_shift
    )
    return replace(layer, residual=source, multiplier=scales.multiplier, shift=scales.shift)


def dequantized(x: np.ndarray, scale: float, zero_point: int) -> Any:
    return torch.tensor((x.astype(np.float64) - zero_point) * scale)


def assert_within_one_lsb(result: np.ndarray, expected: np.ndarray, seed: int) -> None:
    assert result.shape == expected.shape
    assert len(np.unique(expected)) > 20, f"seed {seed}: the case tests nothing"
    difference = np.abs(result.astype(np.int32) - expected)
    assert difference.max() <= 1, f"seed {seed}"
    assert np.mean(difference != 0) < RARELY, f"seed {seed}"


@pytest.mark.parametrize("groups", [1, 2, 8])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_float_convolution(groups: int, stride: int, seed: int):
    rng = np.random.default_rng(seed)
    weight_scale, bias = rng.uniform(0.001, 0.01, 8), rng.normal(0, 1, 8)
    weight, x = rng.integers(-127, 128, (8, 8 // groups, 3, 3)).astype(np.int8), random_int8(rng, 2, 8, 9, 9)
    x_zero, y_zero = rng.integers(-128, 128, 2).tolist()
    layer = conv_from_scales(weight, weight_scale, bias, 0.04, x_zero)
    layer = replace(layer, stride=stride, groups=groups, y_zero_point=y_zero)
    real = torch.nn.functional.conv2d(
        dequantized(x, X_SCALE, x_zero),
        torch.tensor(weight * weight_scale[:, None, None, None]),
        torch.tensor(bias),
        stride=stride,
        padding=1,
        groups=groups,
    )
    expected = np.clip(np.rint(real.numpy() / 0.04) + y_zero, -128, 127)
    assert_within_one_lsb(run_conv(layer, x), expected, seed)


@pytest.mark.parametrize("seed", range(8))
def test_float_residual_block_with_relu6(seed: int):
    rng = np.random.default_rng(seed)
    weight_scale, bias = rng.uniform(0.001, 0.01, 8), rng.normal(0, 1, 8)
    weight, x = rng.integers(-127, 128, (8, 8, 3, 3)).astype(np.int8), random_int8(rng, 2, 8, 9, 9)
    added, (x_zero, zero) = random_int8(rng, 2, 8, 9, 9), rng.integers(-128, 128, 2).tolist()
    layer = add_residual(conv_from_scales(weight, weight_scale, bias, 0.04, x_zero), weight_scale, 0.04, zero)
    layer = replace(layer, y_zero_point=-100, q_min=-100, q_max=-100 + round(6 / 0.04))
    real = torch.nn.functional.conv2d(
        dequantized(x, X_SCALE, x_zero),
        torch.tensor(weight * weight_scale[:, None, None, None]),
        torch.tensor(bias),
        padding=1,
    )
    real = torch.nn.functional.relu6(real + dequantized(added, RESIDUAL_SCALE, zero))
    assert_within_one_lsb(run_conv(layer, x, added), np.rint(real.numpy() / 0.04) - 100, seed)


@pytest.mark.parametrize("seed", range(5))
def test_quantized_convolution(seed: int):
    """Activations use 7 bits, as PyTorch's x86 kernels demand of processors without VNNI."""
    rng = np.random.default_rng(seed)
    weight_scale, bias = rng.uniform(0.001, 0.01, 8), rng.normal(0, 1, 8)
    weight, x = rng.integers(-127, 128, (8, 8, 3, 3)).astype(np.int8), rng.integers(0, 128, (2, 8, 9, 9))
    layer = replace(conv_from_scales(weight, weight_scale, bias, 0.08, 50 - 128), y_zero_point=120 - 128)
    result = run_conv(layer, (x - 128).astype(np.int8)).astype(np.int32) + 128
    assert_within_one_lsb(result, torch_quantized_conv(x, weight, weight_scale, bias), seed)


def torch_quantized_conv(
    x: np.ndarray, weight: np.ndarray, weight_scale: np.ndarray, bias: np.ndarray
) -> np.ndarray:
    """uint8 result of PyTorch's own int8 convolution, input zero point 50, output 0.08 and 120."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # quantized tensors are deprecated, and still a second opinion
        x_torch = torch.quantize_per_tensor(dequantized(x, X_SCALE, 50).float(), X_SCALE, 50, torch.quint8)
        w_torch = torch.quantize_per_channel(
            torch.tensor(weight * weight_scale[:, None, None, None]).float(),
            torch.tensor(weight_scale),
            torch.zeros(len(weight), dtype=torch.long),
            0,
            torch.qint8,
        )
        y_torch = torch.ao.nn.quantized.functional.conv2d(
            x_torch, w_torch, torch.tensor(bias).float(), padding=1, scale=0.08, zero_point=120
        )
    assert np.array_equal(x_torch.int_repr().numpy(), x)
    assert np.array_equal(w_torch.int_repr().numpy(), weight)
    return y_torch.int_repr().numpy().astype(np.int32)
