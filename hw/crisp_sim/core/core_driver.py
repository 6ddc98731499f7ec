"""Drives the compute core through its ports: fills memories, runs a job, reads the activation memory back.

Python is awake on every clock only while words go in or out; it sleeps while the core computes.
"""

from collections.abc import Mapping

import numpy as np
from cocotb.handle import Immediate
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge, with_timeout
from cocotb.utils import get_sim_time

from crisp_golden.cycles.core_cycles import CycleCount
from crisp_golden.pack.jobs import Job
from crisp_sim.core.clocking import CLOCK_PERIOD_NS, RESET_CYCLES, pulse_reset, start_clock
from crisp_spec.commands import JOB_FIELDS, Memory
from crisp_spec.config import CoreConfig
from crisp_spec.cycle_causes import CORE_CAUSES
from crisp_spec.fields import pack_fields
from crisp_spec.latencies import READ_LATENCY

COUNTER_BITS = 32
INPUTS = (
    "job_fields",
    "job_start",
    "write_en",
    "write_memory",
    "write_address",
    "write_data",
    "read_valid",
    "read_row",
    "read_next_row",
    "read_rotation",
)


class CoreDriver:
    """Whoever uses one core.

    Parameters
    ----------
    dut : handle of a ``crisp_core``.
    config : the configuration it was generated from.
    """

    def __init__(self, dut, config: CoreConfig):
        self.dut = dut
        self.config = config
        self._clock_runs = False

    async def reset(self, cycles: int = RESET_CYCLES) -> None:
        """Reset the core for so many cycles, whatever it is doing; the first time start the clock instead."""
        if self._clock_runs:
            await pulse_reset(self.dut, cycles)
        else:
            await start_clock(self.dut, **dict.fromkeys(INPUTS, 0))
        self._clock_runs = True

    async def fill(self, memory: Memory, image: bytes, beat: int = 0) -> None:
        """Write whole beats of a memory from ``beat`` on, one per clock unless the core makes them wait."""
        dut, size = self.dut, self.config.bus_bits // 8
        assert len(image) % size == 0, f"{len(image)} bytes are no whole beats of {size}"
        dut.write_en.value = 1
        dut.write_memory.value = memory
        # At falling edges nothing else changes, so that inputs need no scheduling by cocotb, which is slow.
        address, data, falling = dut.write_address, dut.write_data, FallingEdge(dut.clk)
        for offset in range(len(image) // size):
            address.value = Immediate(beat + offset)
            data.value = Immediate(int.from_bytes(image[offset * size : (offset + 1) * size], "little"))
            await falling
        dut.write_en.value = 0

    async def write_smem(self, words: np.ndarray) -> None:
        """Write int8[words, window] into the activation memory from its first word on."""
        await self.fill(Memory.SMEM, np.ascontiguousarray(words).tobytes())

    async def read_smem(self, rows: int) -> np.ndarray:
        """Read the first ``rows`` rows of the activation memory as int8[rows * cols, window]."""
        dut, seen = self.dut, []
        dut.read_valid.value = 1
        dut.read_rotation.value = 0
        row, data, falling = dut.read_row, dut.read_data, FallingEdge(dut.clk)
        size = self.config.window * self.config.cols
        # The port takes a request in every second cycle.
        for cycle in range(2 * rows + READ_LATENCY - 2):
            row.value = Immediate(min(cycle // 2, rows - 1))
            if cycle == 2 * rows - 1:
                dut.read_valid.value = Immediate(0)
            await falling
            if cycle + 1 >= READ_LATENCY and (cycle + 1 - READ_LATENCY) % 2 == 0:
                seen.append(data.value.to_unsigned().to_bytes(size, "little"))
        dut.read_valid.value = 0
        return np.frombuffer(b"".join(seen), np.int8).reshape(-1, self.config.window)

    async def load(self, job: Job) -> None:
        """Set a job's registers and fill all its memories but the activation memory."""
        for memory, image in job.images.items():
            await self.fill(memory, bytes(image))
        self.set_job(job.fields)

    def set_job(self, fields: Mapping[str, int]) -> None:
        """Set the core's input ``job_fields`` to the fields of a job."""
        self.dut.job_fields.value = pack_fields(JOB_FIELDS, fields)

    async def run(self, limit: int) -> tuple[CycleCount, int]:
        """Run the loaded job; return its counters and the clock cycles that it was busy.

        Raises
        ------
        SimTimeoutError : the core was still busy after ``limit`` clock cycles.
        """
        dut = self.dut
        dut.job_start.value = 1
        await RisingEdge(dut.busy)
        started = get_sim_time("ns")
        await FallingEdge(dut.clk)
        dut.job_start.value = 0
        await with_timeout(FallingEdge(dut.busy), limit * CLOCK_PERIOD_NS, "ns")
        cycles = round((get_sim_time("ns") - started) / CLOCK_PERIOD_NS)
        await ReadOnly()
        assert dut.starved.value == 0, "a window was needed that was not decoded yet"
        counters = self.counters()
        await FallingEdge(dut.clk)
        return counters, cycles

    def counters(self) -> CycleCount:
        """Read the counters of the last job."""
        packed = self.dut.counters.value.to_unsigned()
        mask = (1 << COUNTER_BITS) - 1
        return CycleCount(**{name: packed >> COUNTER_BITS * i & mask for i, name in enumerate(CORE_CAUSES)})
