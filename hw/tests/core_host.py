"""Host of the compute core in Amaranth's simulator: preload a job, run it, read the outputs back."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from crisp_golden.config import CoreConfig
from crisp_golden.cycles import CycleCount
from crisp_golden.job import HostSpace, job_fields
from crisp_golden.packing import Job
from crisp_hw.core import CrispCore
from hw.tests.simulate import drive, plain


@dataclass(frozen=True)
class JobRun:
    """What a run showed: the counters, clock cycles with ``busy``, cycles with ``done``, the fault flag."""

    counted: CycleCount
    busy_cycles: int
    done_cycles: int
    starved: int


async def write(ctx: Any, core: CrispCore, space: int, words: list[int], address: int = 0) -> None:
    """Write consecutive words of a memory."""
    for offset, word in enumerate(words):
        port = {"host_write": 1, "host_space": space, "host_addr": address + offset, "host_wdata": word}
        drive(ctx, core, port)
        await ctx.tick()
    drive(ctx, core, {"host_write": 0})


async def write_smem(ctx: Any, core: CrispCore, words: np.ndarray, address: int) -> None:
    """Write int8[words, window] into the activation memory."""
    await write(ctx, core, HostSpace.SMEM, [int.from_bytes(w.tobytes(), "little") for w in words], address)


async def read_smem(ctx: Any, core: CrispCore, address: int, count: int) -> np.ndarray:
    """Read int8[count, window] from the activation memory."""
    drive(ctx, core, {"host_read": 1})
    words = []
    for cycle in range(count + core.read_latency):
        drive(ctx, core, {"host_addr": address + min(cycle, count - 1)})
        if cycle >= core.read_latency:
            words.append(ctx.get(core.host_rdata))
        await ctx.tick()
    drive(ctx, core, {"host_read": 0})
    data = b"".join(word.to_bytes(core.config.window, "little") for word in words)
    return np.frombuffer(data, np.int8).reshape(count, core.config.window)


async def load(ctx: Any, core: CrispCore, job: Job) -> None:
    """Write the registers and all memories of a job but the activation memory."""
    registers = [field.encode(job.registers[field.name]) for field in job_fields(core.config)]
    await write(ctx, core, HostSpace.JOB, registers)
    await write(ctx, core, HostSpace.INDEX, job.index)
    await write(ctx, core, HostSpace.TAP, job.taps)
    await write(ctx, core, HostSpace.CHANNEL, job.channels)
    weights = [int.from_bytes(word.tobytes(), "little") for word in job.weights]
    await write(ctx, core, HostSpace.WEIGHT, weights)


async def run(ctx: Any, core: CrispCore, limit: int) -> JobRun:
    """Start the loaded job and wait for its end, at most ``limit`` cycles."""
    drive(ctx, core, {"start": 1})
    await ctx.tick()
    drive(ctx, core, {"start": 0})
    busy = done = 0
    while ctx.get(core.busy):
        assert busy < limit, "the core does not finish"
        busy, done = busy + 1, done + ctx.get(core.done)
        await ctx.tick()
    return JobRun(CycleCount(**plain(ctx.get(core.counters))), busy, done, ctx.get(core.starved))


def output_words(config: CoreConfig, job: Job) -> tuple[int, int]:
    """First SMEM word and number of words of a job's outputs."""
    first, last = job.out_channels(config)
    planes = -(-last // config.window) - first // config.window
    return job.registers["out_base"], planes * job.registers["out_plane"]
