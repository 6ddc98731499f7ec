"""Runs one layer on the core, job by job, and compares outputs and cycles with the golden model."""

from dataclasses import dataclass

import numpy as np

from cocotb_tests.tb.core_driver import CoreDriver
from crisp_golden.convolution import run_conv
from crisp_golden.cycles import CycleCount, job_cycles
from crisp_golden.network import QuantizedConv
from crisp_golden.packing import Job, pack_layer


@dataclass(frozen=True, kw_only=True)
class LayerCase:
    """A layer with its inputs: x int8[C, H, W], residual int8[K, Hout, Wout] if the layer adds one."""

    layer: QuantizedConv
    x: np.ndarray
    residual: np.ndarray | None = None

    def expected(self) -> np.ndarray:
        """The golden output int8[K, Hout, Wout]."""
        residual = None if self.residual is None else self.residual[None]
        return run_conv(self.layer, self.x[None], residual)[0]


@dataclass(frozen=True, kw_only=True)
class LayerResult:
    """What the core made of a layer.

    Attributes
    ----------
    y : int8[K, Hout, Wout].
    counted, predicted : cycles by cause, of the hardware's counters and of the cycle model.
    clocked : clock cycles in which the core was busy, as the simulator counted them.
    """

    y: np.ndarray
    counted: CycleCount
    predicted: CycleCount
    clocked: int


async def run_layer(driver: CoreDriver, case: LayerCase) -> LayerResult:
    """Run all jobs of a layer and put the output together."""
    config, layer = driver.config, case.layer
    y = np.zeros((layer.out_channels, *layer.out_size(*case.x.shape[1:])), np.int8)
    counted, predicted, clocked = CycleCount(), CycleCount(), 0
    for job in pack_layer(config, layer, *case.x.shape[1:]):
        await preload_job(driver, case, job)
        expected = job_cycles(config, job)
        counters, cycles = await driver.run(limit=2 * expected.total + 1000)
        counted, predicted, clocked = counted + counters, predicted + expected, clocked + cycles
        await fetch_job(driver, job, y)
    return LayerResult(y=y, counted=counted, predicted=predicted, clocked=clocked)


async def preload_job(driver: CoreDriver, case: LayerCase, job: Job) -> None:
    """Write everything that one job of the layer reads."""
    config, band, registers = driver.config, job.geometry, job.registers
    await driver.load(job)
    await driver.write_smem(registers["act_base"], band.store(case.x, config))
    if case.residual is not None:
        base = registers["res_base"] - job.first_output_word(config, band.pitch)
        await driver.write_smem(base, band.store_residual(case.residual, config))


async def fetch_job(driver: CoreDriver, job: Job, y: np.ndarray) -> None:
    """Read what one job computed into its part of the layer's output ``y`` int8[K, Hout, Wout]."""
    config, band, registers = driver.config, job.geometry, job.registers
    first, last = job.out_channels(config)
    planes = -(-last // config.window) - first // config.window
    words = await driver.read_smem(registers["out_base"], planes * registers["out_plane"])
    channels = band.fetch_output(words, planes * config.window)
    offset = first % config.window
    y[first:last, band.first_row : band.last_row] = channels[offset : offset + last - first]


async def check_layer(driver: CoreDriver, case: LayerCase) -> LayerResult:
    """Run a layer and demand equal bits and equal cycles.

    Raises
    ------
    AssertionError : names the layer, and the first output or the counter that differs.
    """
    result = await run_layer(driver, case)
    expected = case.expected()
    assert result.y.shape == expected.shape, (result.y.shape, expected.shape)
    wrong = np.argwhere(result.y != expected)
    assert not len(wrong), (
        f"{case.layer.name}: {len(wrong)} of {expected.size} outputs differ, the first at (k, y, x) = "
        f"{tuple(wrong[0])}: {result.y[tuple(wrong[0])]} instead of {expected[tuple(wrong[0])]}"
    )
    assert result.counted == result.predicted, f"{case.layer.name}: {result.counted} != {result.predicted}"
    assert result.clocked == result.predicted.total, f"{case.layer.name}: {result.clocked} clock cycles"
    return result
