"""Nearly dead channels: what the core cannot hold in the file's steps moves no output visibly."""

import numpy as np
import pytest

from crisp_golden.arithmetic.fixed_point import ACCUMULATOR_LIMIT, accumulator_bound
from crisp_spec.errors import LayerError
from crisp_sw.exchange.onnx import import_onnx
from crisp_sw.exchange.onnx.errors import OnnxModelError
from crisp_sw.exchange.onnx.importer.channels import MOST_CHANGE, fit_channels
from crisp_sw.exchange.onnx.qdq_graph import IMAGE_SHAPE, QdqGraph
from sw.tests.exchange.onnx.networks import real_outputs
from sw.tests.exchange.onnx.onnx_runtime import run_model_as_written

WEIGHT = np.random.default_rng(0).integers(-127, 128, (4, 8, 3, 3)).astype(np.int8)
NO_BIAS = np.zeros(4)


def moved(weight, bias, scale, x_zero_point=0, residual_scale=None, images=2000) -> float:
    """The largest distance between a fitted layer and the given one, in steps of the output, not rounded."""
    fitted = fit_channels(
        "layer", weight, bias, scale, x_zero_point=x_zero_point, residual_scale=residual_scale
    )
    levels, total, output = fitted
    assert accumulator_bound(levels, total).max() < ACCUMULATOR_LIMIT
    x = np.random.default_rng(1).choice([-128, 127], (weight[0].size, images))
    given = (weight.reshape(4, -1) @ (x - x_zero_point) + bias[:, None]) * scale[:, None]
    said = np.ldexp(output.multiplier.astype(float), -output.shift.astype(int))
    found = (levels.reshape(4, -1).astype(int) @ x + total[:, None]) * said[:, None]
    # A multiplier of 16 bits moves an ordinary channel by 2**-16 of its value.
    return float((np.abs(found - given) - np.abs(given) * 2.0**-16).max())


def test_ordinary_channels_stay_as_they_are():
    bias, scale = np.array([5.0, -7, 2**30, 0]), np.array([1e-3, 2e-4, 4e-5, 0.1])
    weight, total, output = fit_channels("layer", WEIGHT, bias, scale, x_zero_point=-3, residual_scale=0.7)
    assert np.array_equal(weight, WEIGHT)
    assert np.array_equal(total, bias + 3 * WEIGHT.sum(axis=(1, 2, 3), dtype=int))
    assert output.multiplier.min() >= 1 << 14


@pytest.mark.parametrize("residual_scale", [None, 1e-4, 0.8, 100.0])
@pytest.mark.parametrize("scale", [1e-30, 2.4e-13, 1e-10, 1.4 * 2**-31, 2.0**-27])
def test_steps_too_small_for_a_multiplier(scale: float, residual_scale: float | None):
    scales = np.array([scale, 1e-3, scale / 3, scale * 1.7])
    assert moved(WEIGHT, NO_BIAS, scales, 9, residual_scale) <= MOST_CHANGE


@pytest.mark.parametrize("residual_scale", [None, 0.8])
@pytest.mark.parametrize("steps", [0.3, -60, 900])
def test_bias_at_the_limit_of_32_bits(steps: float, residual_scale: float | None):
    """The runtime's quantizer raises a dead channel's scale until its bias just fits int32."""
    small, bias = np.clip(WEIGHT, -2, 2), np.full(4, np.sign(steps) * (2.0**31 - 1))
    assert moved(small, bias, np.abs(steps / bias), 100, residual_scale) <= MOST_CHANGE


def test_float_bias_far_beyond_32_bits():
    assert moved(WEIGHT, np.full(4, 3e20), np.full(4, 1e-19), 5) <= MOST_CHANGE


@pytest.mark.parametrize(
    ("bias", "scale", "message"),
    [
        (2.0**31 - 1, 2.0**-10, "channel 0 fits the core's 16-bit multiplier .* up to .* steps"),
        (
            0.5,
            0.3,
            "channel 0 has a bias between two steps of the accumulator, .* up to 0.15 steps; expected",
        ),
    ],
)
def test_visible_changes_are_refused(bias: float, scale: float, message: str):
    with pytest.raises(OnnxModelError, match=message):
        fit_channels(
            "layer", WEIGHT, np.full(4, bias), np.full(4, scale), x_zero_point=0, residual_scale=None
        )


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf, 1e9])
def test_scales_without_meaning_are_refused(scale: float):
    with pytest.raises(LayerError, match="scale"):
        fit_channels("layer", WEIGHT, NO_BIAS, np.full(4, scale), x_zero_point=0, residual_scale=None)


@pytest.mark.parametrize("beside_a_residual", [False, True])
@pytest.mark.parametrize(("size", "bias"), [(5e-13, 0), (5e-13, -1.2), (4e-9, 2**31 - 1), (4e-9, -(2**31))])
def test_files_with_dead_channels(size: float, bias: float, beside_a_residual: bool, tmp_path):
    """An integer bias is in steps of the accumulator, another one is a real number."""
    graph = QdqGraph()
    x = graph.qdq("image", 0.02, 100)
    scales = np.array([0.01, size, 0.02, size / 3])
    levels = np.random.default_rng(2).integers(-9, 10, (4, 4, 3, 3))
    weight = graph.node("DequantizeLinear", graph.constant(levels, np.int8), graph.constant(scales), axis=0)
    if isinstance(bias, int):
        steps = graph.constant(np.where(scales < 1e-6, bias, 17), np.int32)
        biases = graph.node("DequantizeLinear", steps, graph.constant(scales * 0.02), axis=0)
    else:
        biases = graph.constant(np.full(4, bias))
    y = graph.node("Conv", x, weight, biases, pads=[1] * 4)
    graph.finish(graph.node("Add", y, x) if beside_a_residual else y, 0.017, -3)
    path = graph.save(tmp_path / "net.onnx")
    images = np.random.default_rng(3).normal(size=(8, *IMAGE_SHAPE)).astype(np.float32)
    network = import_onnx(path).network
    steps = np.abs(run_model_as_written(path, images) - real_outputs(network, images)) / 0.017
    assert steps.max() < 1.01
    assert np.mean(steps > 0.5) < 0.01
