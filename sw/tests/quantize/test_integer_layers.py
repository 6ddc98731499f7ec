"""Integer convolutions equal the float ones they come from, to within their rounding."""

import numpy as np
import pytest
import torch

from crisp_golden.arithmetic.convolution import run_conv
from crisp_spec.errors import LayerError
from crisp_sw.quantize.affine import Affine
from crisp_sw.quantize.integer_layers import quantize_conv
from crisp_sw.quantize.lowering.float_network import Activation, FloatConv


def random_layer(rng: np.random.Generator, groups: int, activation: Activation, residual: bool) -> FloatConv:
    """A layer whose weights are multiples of max|w| / 127, so that quantizing them loses nothing."""
    weight = rng.integers(-127, 128, (8, 8 // groups, 3, 3))
    weight[:, 0, 0, 0] = 127
    scale = rng.uniform(0.001, 0.01, (8, 1, 1, 1))
    bias = rng.uniform(-2, 2, 8)
    inputs = ["input", "other"] if residual else ["input"]
    return FloatConv(
        "layer", inputs, torch.tensor(weight * scale), torch.tensor(bias), 2, (1, 1), groups, activation
    )


def codes_of(tensor: np.ndarray, code: Affine) -> torch.Tensor:
    return torch.tensor((tensor.astype(np.float64) - code.zero_point) * code.scale)


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("activation", list(Activation))
@pytest.mark.parametrize("groups", [1, 2, 8])
def test_within_one_level_of_the_float_layer(groups, activation, residual):
    rng = np.random.default_rng(groups * 10 + residual)
    layer = random_layer(rng, groups, activation, residual)
    x_code, other_code = Affine(0.02, -17), Affine(0.05, 40)
    x = rng.integers(-128, 128, (4, 8, 7, 9)).astype(np.int8)
    other = rng.integers(-128, 128, (4, 8, 4, 5)).astype(np.int8) if residual else None
    expected = layer.run(codes_of(x, x_code), None if other is None else codes_of(other, other_code))
    y_code = Affine.from_range(float(expected.min()), float(expected.max()) * 0.9)
    integer = quantize_conv(layer, x_code, y_code, other_code if residual else None)
    levels = (expected / y_code.scale + y_code.zero_point).clamp(-128, 127).numpy()
    result = run_conv(integer, x, other)
    # Half a level of rounding, and the error of 16-bit multipliers over the range of 255 levels.
    assert np.abs(result - levels).max() <= 0.55
    assert integer.q_min == (-128 if activation is Activation.NONE else y_code.zero_point)


def test_relu6_clamps_at_six():
    layer = FloatConv("c", ["input"], torch.ones(1, 1, 1, 1), torch.zeros(1), activation=Activation.RELU6)
    integer = quantize_conv(layer, Affine(0.1, 0), Affine(0.1, -20))
    y = run_conv(integer, np.array([-50, 30, 100], np.int8).reshape(1, 1, 1, 3))
    assert y.ravel().tolist() == [-20, 10, 40]


def test_channel_without_weights_gives_its_bias():
    weight = torch.zeros(3, 4, 1, 1)
    weight[1] = 1.0
    layer = FloatConv("c", ["input"], weight, torch.tensor([1.5, 0.0, -250.0]))
    integer = quantize_conv(layer, Affine(0.02, 5), Affine(0.02, 0))
    y = run_conv(integer, np.full((1, 4, 1, 1), 6, np.int8))
    assert y.ravel().tolist() == [75, 4, -128]


def test_huge_bias_beside_tiny_weights_stays_legal():
    layer = FloatConv("c", ["input"], torch.full((1, 64, 3, 3), 1e-12), torch.tensor([3.0]))
    integer = quantize_conv(layer, Affine(0.01, 127), Affine(0.05, -128))
    assert run_conv(integer, np.zeros((1, 64, 3, 3), np.int8)).item() == -128 + 60


def test_zero_weights_stay_zero_and_channels_use_all_levels():
    torch.manual_seed(0)
    weight = torch.randn(6, 8, 3, 3) * (torch.rand(6, 8, 3, 3) < 0.2)
    integer = quantize_conv(
        FloatConv("c", ["input"], weight, torch.zeros(6)), Affine(0.02, 0), Affine(0.1, 0)
    )
    assert not integer.weight[(weight == 0).numpy()].any()
    assert np.abs(integer.weight.astype(int)).max(axis=(1, 2, 3)).tolist() == [127] * 6


def test_output_whose_steps_are_too_fine_is_refused_by_name():
    layer = FloatConv("stem", ["input"], torch.ones(1, 1, 1, 1), torch.zeros(1))
    with pytest.raises(LayerError, match=r"stem: scale .* of channel 0 cannot be represented"):
        quantize_conv(layer, Affine(1.0, 0), Affine(1e-9, 0))
