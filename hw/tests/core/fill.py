"""Jobs and memory contents for blocks of the core, as their ports ``job`` and ``fill`` take them."""

from collections.abc import Iterable
from typing import Any

from crisp_golden.stimuli.random_jobs import RandomJob
from crisp_spec.commands import Memory
from hw.tests.simulate import drive


def job_frame(job: RandomJob, port: Any) -> dict[str, int]:
    """The fields of a job that ``port`` of a block takes."""
    return {name: job.fields[name] for name in port.shape().members}


async def fill_memories(ctx: Any, block: Any, job: RandomJob, memories: Iterable[Memory]) -> None:
    """Write all beats of some memories through the port ``fill``."""
    size = job.config.bus_bits // 8
    for memory in memories:
        image = job.chip.memories[memory].tobytes()
        for beat in range(len(image) // size):
            data = int.from_bytes(image[beat * size : (beat + 1) * size], "little")
            drive(ctx, block, {"fill": {"select": 1 << memory, "address": beat, "data": data}})
            await ctx.tick()
    drive(ctx, block, {"fill": {"select": 0}})
