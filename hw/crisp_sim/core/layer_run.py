"""Runs one layer on the core, job by job, and compares outputs and cycles with the golden model."""

from dataclasses import dataclass

import numpy as np

from crisp_golden.cycles.core_cycles import CycleCount, job_cycles
from crisp_golden.pack.jobs import Job
from crisp_golden.stimuli.layer_cases import Case, case_jobs
from crisp_sim.core.core_driver import CoreDriver


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


async def run_layer(driver: CoreDriver, case: Case) -> LayerResult:
    """Run all jobs of a layer and put the output together."""
    jobs = case_jobs(driver.config, case)
    rows, columns = jobs[0].work.kernel.out_size(*case.x.shape[1:])
    y = np.zeros((jobs[0].work.out_channels, rows, columns), np.int8)
    counted, predicted, clocked = CycleCount(), CycleCount(), 0
    for job in jobs:
        await preload_job(driver, case, job)
        expected = job_cycles(driver.config, job.fields, job.windows)
        counters, cycles = await driver.run(limit=2 * expected.total + 1000)
        counted, predicted, clocked = counted + counters, predicted + expected, clocked + cycles
        await fetch_job(driver, job, y)
    return LayerResult(y=y, counted=counted, predicted=predicted, clocked=clocked)


def used_rows(job: Job) -> int:
    """Rows of the activation memory that a job's tensors take."""
    tensors = (job.tensors.x, job.tensors.y, job.tensors.residual)
    return max(tensor.end for tensor in tensors if tensor is not None)


async def preload_job(driver: CoreDriver, case: Case, job: Job) -> None:
    """Write everything that one job of the layer reads."""
    config, band, tensors = driver.config, job.band, job.tensors
    await driver.load(job)
    smem = np.full((used_rows(job) * config.cols, config.word_channels), 0x55, np.int8)
    tensors.x.write(smem, case.x, *band.input_rows(), config)
    if tensors.residual is not None and case.residual is not None:
        tensors.residual.write(smem, case.residual, band.first_row, band.last_row, config)
    await driver.write_smem(smem)


async def fetch_job(driver: CoreDriver, job: Job, y: np.ndarray) -> None:
    """Read what one job computed into its part of the layer's output ``y`` int8[K, Hout, Wout]."""
    first, last = job.out_channels
    rows = job.band.first_row, job.band.last_row
    smem = await driver.read_smem(used_rows(job))
    found = job.tensors.y.read(smem, last, *rows, job.band.out_width, driver.config)
    y[first:last, slice(*rows)] = found[first:]


async def check_layer(driver: CoreDriver, case: Case) -> LayerResult:
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
