"""cocotb bench: output stage of a row against golden's requantization, one accumulator per cycle."""

import cocotb
import numpy as np

from cocotb_tests.units.output_stages import channel_words, levels_word, random_output_stage, sprinkle
from crisp_golden.arithmetic.fixed_point import requantize
from crisp_golden.arithmetic.network import QuantizedConv
from crisp_sim.core.clocking import start_clock, through_pipeline
from crisp_sim.runs.parameters import bench_parameters, record_measurements
from crisp_spec.latencies import OUTPUT_LATENCY

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
        dut.levels.value = levels_word(layer)
        inputs = [
            {"acc": int(a) & 0xFFFFFFFF, "residual": int(r) & 0xFF, "channel": word}
            for a, r, word in zip(acc, residual, channel_words(layer), strict=True)
        ]
        seen = await through_pipeline(dut, inputs, output="y", latency=OUTPUT_LATENCY)
        y = np.array(seen, np.uint8).view(np.int8)
        assert y.shape == expected.shape
        wrong = np.flatnonzero(y != expected)
        assert not len(wrong), f"layer {number}, output {wrong[0]}: {y[wrong[0]]}, not {expected[wrong[0]]}"
        distinct |= set(y.tolist())
    record_measurements({"distinct": len(distinct)})


def _random_operands(rng: np.random.Generator, layer: QuantizedConv) -> tuple[np.ndarray, np.ndarray]:
    """int32[K] accumulators, most of them scaled to outputs that are not saturated; int8[K] residuals."""
    k = layer.out_channels
    scale = np.exp2(layer.shift.astype(float)) / np.maximum(layer.multiplier, 1)
    acc = np.clip(np.rint(rng.uniform(-160, 160, k) * scale), -(1 << 31), (1 << 31) - 1)
    residual = rng.integers(-128, 128, k)
    return sprinkle(rng, acc, EXTREME_ACCUMULATORS).astype(np.int32), residual.astype(np.int8)
