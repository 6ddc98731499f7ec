"""cocotb bench: output stage of a row against golden's requantization, one accumulator per cycle."""

import cocotb
import numpy as np

from cocotb_tests.tb.bits import pack
from cocotb_tests.tb.clocking import start_clock, through_pipeline
from cocotb_tests.tb.parameters import bench_parameters, record_measurements
from crisp_golden.fixedpoint import requantize
from crisp_golden.job import CHANNEL_FIELDS, pack_fields
from crisp_golden.network import QuantizedConv, ResidualInput
from crisp_golden.timing import OUTPUT_LATENCY
from crisp_hw.output_lane import LEVELS_LAYOUT

EXTREME_ACCUMULATORS = (-(1 << 31), (1 << 31) - 1, -1, 0, 1, -(1 << 16), (1 << 16) - 1, 1 << 15)


@cocotb.test()
async def outputs_match_golden(dut):
    """Parameters: seed, layers, outputs (per layer). Half of the layers add a residual."""
    parameters = bench_parameters()
    await start_clock(dut, acc=0, residual=0, channel=0, levels=0)
    distinct = set()
    for number in range(parameters["layers"]):
        rng = np.random.default_rng((parameters["seed"], number))
        layer = random_output_stage(rng, parameters["outputs"], residual=number % 2 == 1)
        acc, residual = _random_operands(rng, layer)
        expected = requantize(acc[None], layer, residual[None] if layer.residual else None)[0]
        dut.levels.value = _levels(layer)
        inputs = [
            {"acc": int(a) & 0xFFFFFFFF, "residual": int(r) & 0xFF, "channel": word}
            for a, r, word in zip(acc, residual, _channel_words(layer), strict=True)
        ]
        seen = await through_pipeline(dut, inputs, output="y", latency=OUTPUT_LATENCY)
        y = np.array(seen, np.uint8).view(np.int8)
        assert y.shape == expected.shape
        wrong = np.flatnonzero(y != expected)
        assert not len(wrong), f"layer {number}, output {wrong[0]}: {y[wrong[0]]}, not {expected[wrong[0]]}"
        distinct |= set(y.tolist())
    record_measurements({"distinct": len(distinct)})


def random_output_stage(rng: np.random.Generator, k: int, *, residual: bool) -> QuantizedConv:
    """A layer of ``k`` output channels with random parameters over their whole legal range."""
    low, high = sorted(rng.integers(-128, 128, 2).tolist()) if rng.random() < 0.5 else (-128, 127)
    source = ResidualInput(
        zero_point=int(rng.integers(-128, 128)),
        multiplier=_extremes(rng, rng.integers(0, 1 << 16, k), (0, 65535)).astype(np.uint16),
        shift=rng.integers(0, 16, k).astype(np.uint8),
    )
    return QuantizedConv(
        name="output_stage",
        weight=np.zeros((k, 1, 1, 1), np.int8),
        bias=np.zeros(k, np.int32),
        multiplier=_extremes(rng, rng.integers(0, 1 << 16, k), (0, 1, 65535)).astype(np.uint16),
        shift=_extremes(rng, rng.integers(1, 49, k), (1, 48)).astype(np.uint8),
        y_zero_point=int(rng.integers(-128, 128)),
        q_min=low,
        q_max=high,
        residual=source if residual else None,
    )


def _random_operands(rng: np.random.Generator, layer: QuantizedConv) -> tuple[np.ndarray, np.ndarray]:
    """int32[K] accumulators, most of them scaled so that the output is not saturated, and int8[K] residuals."""
    k = layer.out_channels
    scale = np.exp2(layer.shift.astype(float)) / np.maximum(layer.multiplier, 1)
    acc = np.clip(np.rint(rng.uniform(-160, 160, k) * scale), -(1 << 31), (1 << 31) - 1)
    return _extremes(rng, acc, EXTREME_ACCUMULATORS).astype(np.int32), rng.integers(-128, 128, k).astype(
        np.int8
    )


def _extremes(rng: np.random.Generator, values: np.ndarray, extremes: tuple[int, ...]) -> np.ndarray:
    """Replace a tenth of the values by one of ``extremes``."""
    return np.where(rng.random(values.shape) < 0.1, rng.choice(extremes, values.shape), values)


def _levels(layer: QuantizedConv) -> int:
    res_zero_point = layer.residual.zero_point if layer.residual else 0
    levels = {"y_zero_point": layer.y_zero_point, "q_min": layer.q_min, "q_max": layer.q_max}
    return pack(LEVELS_LAYOUT, levels | {"res_zero_point": res_zero_point})


def _channel_words(layer: QuantizedConv) -> list[int]:
    source = layer.residual
    return [
        pack_fields(
            CHANNEL_FIELDS,
            {
                "bias": 0,
                "multiplier": int(layer.multiplier[k]),
                "shift": int(layer.shift[k]) - 1,
                "res_multiplier": int(source.multiplier[k]) if source else 0,
                "res_shift": int(source.shift[k]) if source else 0,
            },
        )
        for k in range(layer.out_channels)
    ]
