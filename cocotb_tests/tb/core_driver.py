"""Drives the compute core through its host port: preloads a job, runs it, reads the outputs back.

Python is awake on every clock only while words go in or out; it sleeps while the core computes.
"""

from collections.abc import Iterable

import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge, with_timeout
from cocotb.utils import get_sim_time

from crisp_golden.config import CoreConfig
from crisp_golden.cycles import CycleCount
from crisp_golden.job import HostSpace, job_fields
from crisp_golden.packing import Job
from crisp_golden.timing import ACTIVATION_LATENCY

CLOCK_PERIOD_NS = 10
COUNTER_BITS = 32
COUNTER_NAMES = ("prologue", "compute", "residual", "load", "drain", "flush")


class CoreDriver:
    """Host of one core.

    Parameters
    ----------
    dut : handle of a ``crisp_core``.
    config : the configuration it was generated from.
    """

    def __init__(self, dut, config: CoreConfig):
        self.dut = dut
        self.config = config

    async def reset(self) -> None:
        """Start the clock and reset the core."""
        for name in ("host_write", "host_read", "host_space", "host_addr", "host_wdata", "start"):
            getattr(self.dut, name).value = 0
        self.dut.rst.value = 1
        Clock(self.dut.clk, CLOCK_PERIOD_NS, unit="ns").start()
        for _ in range(4):
            await FallingEdge(self.dut.clk)
        self.dut.rst.value = 0
        await FallingEdge(self.dut.clk)

    async def write(self, space: int, address: int, words: Iterable[int]) -> None:
        """Write consecutive words of a memory, one per clock."""
        dut = self.dut
        dut.host_write.value = 1
        dut.host_space.value = space
        for offset, word in enumerate(words):
            dut.host_addr.value = address + offset
            dut.host_wdata.value = word
            await FallingEdge(dut.clk)
        dut.host_write.value = 0

    async def write_smem(self, address: int, words: np.ndarray) -> None:
        """Write int8[words, window] into the activation memory."""
        await self.write(HostSpace.SMEM, address, (int.from_bytes(row.tobytes(), "little") for row in words))

    async def read_smem(self, address: int, count: int) -> np.ndarray:
        """Read ``count`` words of the activation memory as int8[count, window]."""
        dut, words = self.dut, []
        dut.host_read.value = 1
        for cycle in range(count + ACTIVATION_LATENCY):
            dut.host_addr.value = address + min(cycle, count - 1)
            await FallingEdge(dut.clk)
            if cycle + 1 >= ACTIVATION_LATENCY:
                words.append(dut.host_rdata.value.to_unsigned())
        dut.host_read.value = 0
        data = b"".join(word.to_bytes(self.config.window, "little") for word in words[:count])
        return np.frombuffer(data, np.int8).reshape(count, self.config.window)

    async def load(self, job: Job) -> None:
        """Write the registers and all memories of a job but the activation memory."""
        fields = job_fields(self.config)
        registers = [field.encode(job.registers[field.name]) for field in fields]
        weights = [int.from_bytes(row.tobytes(), "little") for row in job.weights]
        for space, words in (
            (HostSpace.JOB, registers),
            (HostSpace.INDEX, job.index),
            (HostSpace.TAP, job.taps),
            (HostSpace.CHANNEL, job.channels),
            (HostSpace.WEIGHT, weights),
        ):
            await self.write(space, 0, words)

    async def run(self, limit: int) -> tuple[CycleCount, int]:
        """Run the loaded job; return its counters and the clock cycles that it was busy.

        Raises
        ------
        SimTimeoutError : the core was still busy after ``limit`` clock cycles.
        """
        dut = self.dut
        dut.start.value = 1
        await RisingEdge(dut.busy)
        started = get_sim_time("ns")
        await FallingEdge(dut.clk)
        dut.start.value = 0
        await with_timeout(FallingEdge(dut.busy), limit * CLOCK_PERIOD_NS, "ns")
        cycles = round((get_sim_time("ns") - started) / CLOCK_PERIOD_NS)
        await ReadOnly()
        assert dut.starved.value == 0, "a window was needed that was not decoded yet"
        counters = self._counters()
        await FallingEdge(dut.clk)
        return counters, cycles

    def _counters(self) -> CycleCount:
        packed = self.dut.counters.value.to_unsigned()
        mask = (1 << COUNTER_BITS) - 1
        return CycleCount(**{name: packed >> COUNTER_BITS * i & mask for i, name in enumerate(COUNTER_NAMES)})
