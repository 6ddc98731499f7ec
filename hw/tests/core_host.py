"""Whoever uses the compute core, in Amaranth's simulator: fill memories, run a job, read outputs back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from crisp_golden.cycles.core_cycles import CycleCount
from crisp_hw.core.core import CrispCore
from crisp_spec.commands import JOB_FIELDS, Memory
from hw.tests.simulate import drive, plain


@dataclass(frozen=True)
class JobRun:
    """What a run showed: the counters, clock cycles with ``busy``, cycles with ``done``, the fault flag."""

    counted: CycleCount
    busy_cycles: int
    done_cycles: int
    starved: int


async def fill(ctx: Any, core: CrispCore, memory: Memory, image: bytes, beat: int = 0) -> None:
    """Write whole beats of a memory from ``beat`` on."""
    size = core.config.bus_bits // 8
    assert len(image) % size == 0
    for offset in range(len(image) // size):
        data = int.from_bytes(image[offset * size : (offset + 1) * size], "little")
        drive(ctx, core.write, {"en": 1, "memory": int(memory), "address": beat + offset, "data": data})
        assert ctx.get(core.write.ready), "the core is idle, but not ready"
        await ctx.tick()
    drive(ctx, core.write, {"en": 0})


async def read_smem(ctx: Any, core: CrispCore, first: int, rows: int) -> np.ndarray:
    """Read int8[rows * cols, window] from the activation memory, from row ``first`` on."""
    drive(ctx, core.read, {"valid": 1, "rotation": 0})
    words: list[int] = []
    for cycle in range(2 * rows + core.read_latency - 1):
        drive(ctx, core.read, {"row": first + min(cycle // 2, rows - 1), "valid": int(cycle < 2 * rows)})
        if cycle >= core.read_latency and (cycle - core.read_latency) % 2 == 0:
            words += plain(ctx.get(core.read.data))
        await ctx.tick()
    drive(ctx, core.read, {"valid": 0})
    data = b"".join(word.to_bytes(core.config.window, "little") for word in words)
    return np.frombuffer(data, np.int8).reshape(-1, core.config.window)


async def load(ctx: Any, core: CrispCore, images: Mapping[Memory, bytes], fields: Mapping[str, int]) -> None:
    """Fill memories from their first beats on, and set the fields of the job."""
    for memory, image in images.items():
        await fill(ctx, core, memory, bytes(image))
    drive(ctx, core.job, {"fields": {field.name: fields[field.name] for field in JOB_FIELDS}})


async def run(ctx: Any, core: CrispCore, limit: int) -> JobRun:
    """Start the loaded job and wait for its end, at most ``limit`` cycles."""
    drive(ctx, core.job, {"start": 1})
    await ctx.tick()
    drive(ctx, core.job, {"start": 0})
    busy = done = 0
    while ctx.get(core.busy):
        assert busy < limit, "the core does not finish"
        busy, done = busy + 1, done + ctx.get(core.job.done)
        await ctx.tick()
    return JobRun(CycleCount(**plain(ctx.get(core.counters))), busy, done, ctx.get(core.starved))
