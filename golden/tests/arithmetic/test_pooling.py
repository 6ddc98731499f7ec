"""Pooling against PyTorch (max, exact) and exact rational averages."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest

from crisp_golden.arithmetic.convolution import run_conv
from crisp_golden.arithmetic.network import MaxPool
from crisp_golden.arithmetic.pooling import global_average_pool_layer, run_max_pool
from crisp_golden.arithmetic.validation import validate_layer
from crisp_golden.stimuli.random_conv import random_int8
from crisp_spec.errors import LayerError


@pytest.mark.parametrize(("kernel", "padding"), [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (5, 2)])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [(5, 5), (7, 6)])
def test_max_pool_equals_pytorch(kernel: int, padding: int, stride: int, size: tuple[int, int]):
    torch = pytest.importorskip("torch", reason="compares with PyTorch, which golden does without")
    x = random_int8(np.random.default_rng(2), 2, 3, *size)
    result = run_max_pool(MaxPool(name="pool", kernel=kernel, stride=stride, padding=padding), x)
    expected = torch.nn.functional.max_pool2d(torch.tensor(x).float(), kernel, stride, padding)
    assert result.dtype == np.int8
    assert np.array_equal(result, expected.numpy())


def test_max_pool_refuses_illegal_layers():
    with pytest.raises(LayerError, match="pool: stride must be at least 1, not 0"):
        run_max_pool(MaxPool(name="pool", kernel=2, stride=0), np.zeros((1, 1, 4, 4), np.int8))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (4, 4), (7, 7), (8, 8), (7, 5), (14, 14)])
def test_average_of_equal_scales_is_correctly_rounded(height: int, width: int):
    x = random_int8(np.random.default_rng(3), 4, 6, height, width)
    x[0] = 127
    x[1] = -128
    layer = global_average_pool_layer(
        "pool", 6, height, width, x_scale=0.1, x_zero_point=-7, y_scale=0.1, y_zero_point=-7
    )
    validate_layer(layer)
    sums = x.sum(axis=(2, 3), dtype=np.int64)
    expected = [[[[floor(Fraction(int(s), height * width) + Fraction(1, 2))]] for s in row] for row in sums]
    assert run_conv(layer, x).tolist() == expected


@pytest.mark.parametrize("seed", range(10))
def test_average_of_any_scales_is_within_one_lsb(seed: int):
    rng = np.random.default_rng(seed)
    x_scale, y_scale = rng.uniform(0.01, 0.1, 2).tolist()
    x_zero, y_zero = rng.integers(-128, 128, 2).tolist()
    x = np.clip(rng.normal(rng.uniform(-128, 128, (9, 5, 1, 1)), 20, (9, 5, 7, 7)), -128, 127).astype(np.int8)
    layer = global_average_pool_layer(
        "pool", 5, 7, 7, x_scale=x_scale, x_zero_point=x_zero, y_scale=y_scale, y_zero_point=y_zero
    )
    real = (x.mean(axis=(2, 3), keepdims=True) - x_zero) * x_scale / y_scale + y_zero
    expected = np.clip(np.rint(real), -128, 127)
    assert np.abs(run_conv(layer, x) - expected).max() <= 1, f"seed {seed}"


def test_average_pool_with_an_impossible_scale():
    with pytest.raises(LayerError, match="scale of channel 0 must be positive and finite, not inf"):
        global_average_pool_layer(
            "pool", 2, 4, 4, x_scale=np.inf, x_zero_point=0, y_scale=1.0, y_zero_point=0
        )
