"""The output stage against golden's requantization, bit for bit."""

from typing import Any

import numpy as np
import pytest

from crisp_golden.arithmetic.fixed_point import requantize
from crisp_golden.arithmetic.network import QuantizedConv, ResidualInput
from crisp_hw.cells import Technology
from crisp_hw.core.array.output_lane import OutputLane
from crisp_spec.latencies import OUTPUT_LATENCY
from hw.tests.simulate import pipelined

LOWEST, HIGHEST = -(1 << 31), (1 << 31) - 1
LEVELS = [
    {"y_zero_point": 0, "q_min": -128, "q_max": 127, "res_zero_point": 0},
    {"y_zero_point": -128, "q_min": -128, "q_max": 127, "res_zero_point": 127},
    {"y_zero_point": 127, "q_min": 0, "q_max": 0, "res_zero_point": -128},
    {"y_zero_point": -77, "q_min": -77, "q_max": 30, "res_zero_point": 5},
]


def rtl_requantize(levels: dict[str, int], values: dict[str, np.ndarray]) -> np.ndarray:
    """int64[count] results; ``values`` holds int64[count] of every operand, shifts from 1 to 48."""
    frames = []
    for i in range(len(values["acc"])):
        channel = {
            "bias": 0,
            "multiplier": int(values["multiplier"][i]),
            "shift": int(values["shift"][i]) - 1,
            "res_multiplier": int(values["res_multiplier"][i]),
            "res_shift": int(values["res_shift"][i]),
        }
        operands: dict[str, Any] = {"acc": int(values["acc"][i]), "residual": int(values["residual"][i])}
        frames.append({**operands, "channel": channel, "levels": levels})
    outputs = pipelined(OutputLane(technology=Technology.GENERIC), frames, ["y"], OutputLane.latency)
    return np.array([output["y"] for output in outputs])


def golden_requantize(levels: dict[str, int], values: dict[str, np.ndarray]) -> np.ndarray:
    count = len(values["acc"])
    residual = ResidualInput(
        zero_point=levels["res_zero_point"],
        multiplier=values["res_multiplier"].astype(np.uint16),
        shift=values["res_shift"].astype(np.uint8),
    )
    layer = QuantizedConv(
        name="lane",
        weight=np.zeros((count, 1, 1, 1), np.int8),
        bias=np.zeros(count, np.int32),
        multiplier=values["multiplier"].astype(np.uint16),
        shift=values["shift"].astype(np.uint8),
        y_zero_point=levels["y_zero_point"],
        q_min=levels["q_min"],
        q_max=levels["q_max"],
        residual=residual,
    )
    acc, res = values["acc"].astype(np.int32)[None], values["residual"].astype(np.int8)[None]
    return requantize(acc, layer, res)[0]


def random_operands(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Operands whose results mostly fall into the int8 range, where rounding shows."""
    shift = rng.integers(1, 49, count)
    multiplier = rng.integers(0, 1 << 16, count)
    target = rng.integers(-200, 200, count) << shift
    acc = np.clip(target // np.maximum(multiplier, 1) + rng.integers(-2, 3, count), LOWEST, HIGHEST)
    return {
        "acc": acc,
        "multiplier": multiplier,
        "shift": shift,
        "residual": rng.integers(-128, 128, count),
        "res_multiplier": rng.integers(0, 1 << 16, count),
        "res_shift": np.clip(shift - rng.integers(8, 24, count), 0, 15),
    }


def extreme_operands() -> dict[str, np.ndarray]:
    """Every shift with the ends of every other operand's range."""
    axes = np.meshgrid(
        [LOWEST, -1, 0, 1, HIGHEST], [0, 1, 65535], np.arange(1, 49), [-128, 127], [0, 65535], [0, 15]
    )
    names = ("acc", "multiplier", "shift", "residual", "res_multiplier", "res_shift")
    values = {name: axis.ravel() for name, axis in zip(names, axes, strict=True)}
    chosen = np.random.default_rng(0).permutation(len(values["acc"]))[:1200]
    return {name: value[chosen] for name, value in values.items()}


@pytest.mark.parametrize("number", range(len(LEVELS)))
def test_random_operands(number: int):
    values = random_operands(np.random.default_rng(number), 300)
    results = golden_requantize(LEVELS[number], values)
    assert rtl_requantize(LEVELS[number], values).tolist() == results.tolist()
    if LEVELS[number]["q_min"] < LEVELS[number]["q_max"]:
        assert len(set(results.tolist())) > 40, "the operands do not reach into the int8 range"


def test_extreme_operands_at_every_shift():
    values = extreme_operands()
    assert set(values["shift"].tolist()) == set(range(1, 49))
    assert rtl_requantize(LEVELS[0], values).tolist() == golden_requantize(LEVELS[0], values).tolist()


def test_halves_round_up():
    """acc * 1 / 2**3 for all sixteen values round an integer's half to either side."""
    acc = np.arange(-8, 8)
    ones, zeros = np.ones(16, int), np.zeros(16, int)
    values = {"acc": acc, "multiplier": ones, "shift": 3 * ones, "residual": zeros}
    values |= {"res_multiplier": zeros, "res_shift": zeros}
    expected = [-1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1]
    assert rtl_requantize(LEVELS[0], values).tolist() == expected


def test_latency_is_the_cycle_models():
    assert OutputLane.latency == OUTPUT_LATENCY
