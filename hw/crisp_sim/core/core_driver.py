"""Drives the compute core in any simulator: fills memories, runs a job, reads the activation memory back."""

from collections.abc import Mapping

import numpy as np

from crisp_golden.cycles.core_cycles import CycleCount
from crisp_golden.machine.chip import Chip
from crisp_golden.pack.jobs import Job
from crisp_sim.core.core_ports import CorePorts
from crisp_spec.commands import JOB_FIELDS, Memory
from crisp_spec.config import CoreConfig
from crisp_spec.cycle_causes import CORE_CAUSES
from crisp_spec.fields import pack_fields
from crisp_spec.latencies import READ_LATENCY

COUNTER_BITS = 32


class CoreDriver:
    """Whoever uses one core.

    Parameters
    ----------
    ports : of the core.
    config : the configuration it was generated from.
    """

    def __init__(self, ports: CorePorts, config: CoreConfig):
        self.ports = ports
        self.config = config

    async def fill(self, memory: Memory, image: bytes, beat: int = 0) -> None:
        """Write whole beats of a memory from ``beat`` on, one per clock, as an idle core takes them."""
        ports, size = self.ports, self.config.bus_bits // 8
        assert len(image) % size == 0, f"{len(image)} bytes are no whole beats of {size}"
        ports.set("fill_en", 1)
        ports.set("fill_memory", memory)
        for offset in range(len(image) // size):
            ports.set("fill_address", beat + offset)
            ports.set("fill_data", int.from_bytes(image[offset * size : (offset + 1) * size], "little"))
            await ports.cycle()
        assert ports.get("fill_ready"), "the core is idle, but not ready"
        ports.set("fill_en", 0)

    async def write_smem(self, words: np.ndarray) -> None:
        """Write int8[words, word_channels] into the activation memory from its first word on."""
        await self.fill(Memory.SMEM, np.ascontiguousarray(words).tobytes())

    async def read_smem(self, rows: int, *, first: int = 0) -> np.ndarray:
        """Read rows of the activation memory from ``first`` on as int8[rows * cols, word_channels]."""
        ports, seen = self.ports, []
        ports.set("read_valid", 1)
        ports.set("read_rotation", 0)
        size = self.config.word_channels * self.config.cols
        # The port takes a request in every second cycle.
        for cycle in range(2 * rows + READ_LATENCY - 2):
            ports.set("read_row", first + min(cycle // 2, rows - 1))
            if cycle == 2 * rows - 1:
                ports.set("read_valid", 0)
            await ports.cycle()
            if cycle + 1 >= READ_LATENCY and (cycle + 1 - READ_LATENCY) % 2 == 0:
                seen.append(ports.get("read_data").to_bytes(size, "little"))
        ports.set("read_valid", 0)
        return np.frombuffer(b"".join(seen), np.int8).reshape(-1, self.config.word_channels)

    async def load(self, job: Job) -> None:
        """Set a job's fields and fill all its memories but the activation memory."""
        for memory, image in job.images.items():
            await self.fill(memory, bytes(image))
        self.set_job(job.fields)

    async def load_chip(self, chip: Chip, fields: Mapping[str, int]) -> None:
        """Fill all memories with what those of ``chip`` hold, and set the fields of a job."""
        for memory, content in chip.memories.items():
            await self.fill(memory, content.tobytes())
        self.set_job(fields)

    def set_job(self, fields: Mapping[str, int]) -> None:
        """Set the core's input ``job_fields`` to the fields of a job."""
        self.ports.set("job_fields", pack_fields(JOB_FIELDS, fields))

    async def run(self, limit: int) -> tuple[CycleCount, int]:
        """Run the loaded job; return its counters and the clock cycles that it was busy.

        Raises
        ------
        Exception : the core was still busy after ``limit`` clock cycles, see ``CorePorts.run_job``.
        """
        cycles = await self.ports.run_job(limit)
        assert not self.ports.get("starved"), "a window was needed that was not decoded yet"
        return self.counters(), cycles

    def counters(self) -> CycleCount:
        """Read the counters of the last job."""
        packed, mask = self.ports.get("counters"), (1 << COUNTER_BITS) - 1
        return CycleCount(**{name: packed >> COUNTER_BITS * i & mask for i, name in enumerate(CORE_CAUSES)})
