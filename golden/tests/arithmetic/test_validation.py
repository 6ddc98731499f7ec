"""Each rule that makes a layer illegal, by its message."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from crisp_golden.arithmetic.network import MaxPool, QuantizedConv
from crisp_golden.arithmetic.pooling import run_max_pool
from crisp_golden.arithmetic.validation import validate_input, validate_layer, validate_residual
from crisp_golden.stimuli.random_conv import random_conv, random_residual
from crisp_spec.errors import LayerError


def layer_with(**fields: Any) -> QuantizedConv:
    rng = np.random.default_rng(0)
    return random_conv(rng, (4, 3, 3, 3), **{"x_zero_point": 0, "y_zero_point": 0} | fields)


def changed(dtype: type, index: int, value: int) -> np.ndarray:
    array = np.ones(4, dtype)
    array[index] = value
    return array


ILLEGAL = [
    ({"weight": np.zeros((4, 3, 3), np.int8)}, "weight must be a non-empty int8 array with 4 axes, not int8"),
    ({"weight": np.zeros((4, 3, 3, 3), np.int16)}, "not int16 of shape (4, 3, 3, 3)"),
    ({"weight": np.zeros((4, 0, 3, 3), np.int8)}, "not int8 of shape (4, 0, 3, 3)"),
    ({"groups": 3}, "groups must divide the 4 output channels, not 3"),
    ({"groups": 0}, "groups must divide the 4 output channels, not 0"),
    ({"bias": np.zeros(4, np.int64)}, "bias must be int32 of shape (4,), not int64 of shape (4,)"),
    ({"bias": np.zeros(3, np.int32)}, "bias must be int32 of shape (4,), not int32 of shape (3,)"),
    ({"multiplier": np.zeros(4, np.int32)}, "multiplier must be uint16 of shape (4,), not int32"),
    ({"shift": np.zeros((4, 1), np.uint8)}, "shift must be uint8 of shape (4,), not uint8 of shape (4, 1)"),
    ({"shift": changed(np.uint8, 2, 0)}, "shift of channel 2 must be from 1 to 48, not 0"),
    ({"shift": changed(np.uint8, 3, 49)}, "shift of channel 3 must be from 1 to 48, not 49"),
    ({"stride": 0}, "stride must be at least 1, not 0"),
    ({"padding": (0, -1)}, "padding must be at least 0, not -1"),
    ({"x_zero_point": 128}, "x_zero_point must be from -128 to 127, not 128"),
    ({"y_zero_point": -129}, "y_zero_point must be from -128 to 127, not -129"),
    ({"q_min": -200}, "q_min must be from -128 to 127, not -200"),
    ({"q_max": 255}, "q_max must be from -128 to 127, not 255"),
    ({"q_min": 5, "q_max": 4}, "q_min 5 must not exceed q_max 4"),
    ({"bias": changed(np.int32, 1, (1 << 31) - 1)}, "the accumulator of channel 1 can reach 2147"),
]

RESIDUAL_ILLEGAL = [
    ({"zero_point": 300}, "residual zero_point must be from -128 to 127, not 300"),
    ({"multiplier": np.zeros(4, np.int32)}, "residual multiplier must be uint16 of shape (4,), not int32"),
    ({"shift": np.zeros(5, np.uint8)}, "residual shift must be uint8 of shape (4,), not uint8 of shape (5,)"),
    ({"shift": changed(np.uint8, 0, 16)}, "residual shift of channel 0 must be from 0 to 15, not 16"),
]


def test_legal_layers_pass():
    validate_layer(layer_with())
    validate_layer(layer_with(residual=random_residual(np.random.default_rng(0), 4), groups=2))


@pytest.mark.parametrize(("fields", "message"), ILLEGAL)
def test_illegal_layer(fields: dict[str, Any], message: str):
    with pytest.raises(LayerError, match="layer: .*" + re.escape(message)):
        validate_layer(layer_with(**fields))


@pytest.mark.parametrize(("fields", "message"), RESIDUAL_ILLEGAL)
def test_illegal_residual(fields: dict[str, Any], message: str):
    residual = replace(random_residual(np.random.default_rng(0), 4), **fields)
    with pytest.raises(LayerError, match=re.escape(f"layer: {message}")):
        validate_layer(layer_with(residual=residual))


def test_overflow_limit_is_exact():
    weight = np.zeros((1, 1, 1, 1), np.int8)
    fields = {"multiplier": np.ones(1, np.uint16), "shift": np.ones(1, np.uint8)}
    validate_layer(layer_with(weight=weight, bias=np.array([-(1 << 31) + 1], np.int32), **fields))
    message = "can reach 2147483648, expected less than 2**31 = 2147483648"
    with pytest.raises(LayerError, match=re.escape(message)):
        validate_layer(layer_with(weight=weight, bias=np.array([-(1 << 31)], np.int32), **fields))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((1, 3, 5, 5), np.uint8), "input must be int8 with 4 axes, not uint8 of shape (1, 3, 5, 5)"),
        (np.zeros((3, 5, 5), np.int8), "input must be int8 with 4 axes, not int8 of shape (3, 5, 5)"),
        (np.zeros((1, 4, 5, 5), np.int8), "input has 4 channels, expected 3"),
        (
            np.zeros((1, 3, 2, 5), np.int8),
            "input of 2 x 5 pixels is smaller than the kernel 3 x 3 with padding",
        ),
    ],
)
def test_input_that_does_not_fit(x: np.ndarray, message: str):
    with pytest.raises(LayerError, match=re.escape(f"layer: {message}")):
        validate_input(layer_with(), x)


@pytest.mark.parametrize("stride", [2, 3, 100])
def test_input_smaller_than_the_kernel_whatever_the_stride(stride: int):
    with pytest.raises(LayerError, match="is smaller than the kernel"):
        validate_input(layer_with(stride=stride), np.zeros((1, 3, 2, 5), np.int8))


def test_residual_that_does_not_fit():
    x, plain = np.zeros((2, 3, 5, 5), np.int8), layer_with()
    adding = layer_with(residual=random_residual(np.random.default_rng(0), 4))
    validate_residual(plain, x, None)
    validate_residual(adding, x, np.zeros((2, 4, 3, 3), np.int8))
    with pytest.raises(LayerError, match="layer: expected a residual tensor"):
        validate_residual(adding, x, None)
    with pytest.raises(LayerError, match="layer: expected no residual tensor"):
        validate_residual(plain, x, np.zeros((2, 4, 3, 3), np.int8))
    message = "layer: residual has shape (2, 4, 5, 5), expected (2, 4, 3, 3)"
    with pytest.raises(LayerError, match=re.escape(message)):
        validate_residual(adding, x, np.zeros((2, 4, 5, 5), np.int8))
    with pytest.raises(LayerError, match="layer: residual must be int8 with 4 axes, not int32"):
        validate_residual(adding, x, np.zeros((2, 4, 3, 3), np.int32))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kernel": 0}, "kernel must be at least 1, not 0"),
        ({"stride": 0}, "stride must be at least 1, not 0"),
        ({"padding": 2}, "padding must be from 0 to half the kernel (1), not 2"),
        ({"padding": -1}, "padding must be from 0 to half the kernel (1), not -1"),
        ({"kernel": 7}, "input of 5 x 4 pixels is smaller than the kernel 7 with padding 1"),
    ],
)
def test_illegal_max_pool(fields: dict[str, int], message: str):
    layer = MaxPool(**{"name": "pool", "kernel": 3, "stride": 2, "padding": 1} | fields)  # pyright: ignore[reportArgumentType]
    with pytest.raises(LayerError, match=re.escape(f"pool: {message}")):
        run_max_pool(layer, np.zeros((1, 2, 5, 4), np.int8))
