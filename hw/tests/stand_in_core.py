"""Stand-in for the compute core: memories that the test sees, and jobs that only take time."""

from collections import deque
from random import Random
from typing import Any

from amaranth.hdl import Module

from crisp_hw.core.job import JOB_LAYOUT
from crisp_hw.core.signatures import CoreSignature
from crisp_hw.parts.sharing import Shareable
from crisp_spec.commands import Memory
from crisp_spec.config import CoreConfig


class StandInCore(Shareable):
    """The ports of ``CrispCore``; ``CoreAgent`` drives them."""

    read_latency = 6

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(CoreSignature(config))

    def elaborate(self, platform):
        return Module()


class CoreAgent:
    """Behaves like a core whose jobs take ``pixel_tiles`` cycles, the last ``OVERLAP`` beside the next job.

    ``smem`` has one int per beat; ``tables`` the beats of the other memories; ``jobs`` all jobs started.
    """

    OVERLAP = 4

    def __init__(self, core: StandInCore, *, rng: Random, ready: float = 1.0):
        self.core, self.config, self.rng, self.ready = core, core.config, rng, ready
        self.parts = self.config.word_bits // self.config.bus_bits
        self.smem = [
            rng.getrandbits(self.config.bus_bits) for _ in range(self.config.smem_words * self.parts)
        ]
        self.tables: dict[tuple[int, int], int] = {}
        self.jobs: list[dict[str, int]] = []
        self.pipeline: deque[int | None] = deque([None] * core.read_latency)
        self.reset()

    def reset(self) -> None:
        """Forget the running jobs."""
        self.left: list[int] = []  # cycles of the jobs that run, the older first
        self.total = 0
        self.ended = False

    def set_ports(self, ctx: Any) -> None:
        core = self.core
        ctx.set(core.fill.ready, self.rng.random() < self.ready)
        ctx.set(core.read.ready, 1)
        ctx.set(core.job.ready, len(self.left) < 2 and sum(self.left) <= self.OVERLAP)
        ctx.set(core.busy, bool(self.left))
        ctx.set(core.job.done, self.left[:1] == [1])
        ctx.set(core.counted, self.ended)
        ctx.set(core.read.done, self.pipeline[0] is not None)
        ctx.set(core.read.data.as_value(), self.pipeline[0] or 0)
        ctx.set(core.counters.as_value(), 0)
        ctx.set(core.counters.compute, self.total)

    def observe(self, ctx: Any) -> None:
        core = self.core
        busy = bool(self.left)
        self.total += busy
        self.left = [left - 1 for left in self.left if left > 1]
        if ctx.get(core.job.start) and ctx.get(core.job.ready):
            job = {name: ctx.get(core.job.fields[name]) for name in JOB_LAYOUT.members}
            self.jobs.append(job)
            self.total *= busy
            self.left.append(max([job["pixel_tiles"], *(left + 1 for left in self.left)]))
        self.ended = busy and not self.left
        if ctx.get(core.fill.en) and ctx.get(core.fill.ready):
            address, word = ctx.get(core.fill.address), ctx.get(core.fill.data)
            memory = ctx.get(core.fill.memory)
            if memory == Memory.SMEM:
                self.smem[address % len(self.smem)] = word
            else:
                self.tables[memory, address] = word
        self.pipeline.popleft()
        self.pipeline.append(self._read(ctx) if ctx.get(core.read.valid) else None)

    def _read(self, ctx: Any) -> int:
        core, config = self.core, self.config
        rows = ctx.get(core.read.next_row), ctx.get(core.read.row)
        rotation, value = ctx.get(core.read.rotation), 0
        for column in range(config.cols):
            bank = (rotation + column) % config.cols
            word = (rows[bank >= rotation] * config.cols + bank) % config.smem_words
            for part in range(self.parts):
                value |= self.smem[word * self.parts + part] << (bank * self.parts + part) * config.bus_bits
        return value
