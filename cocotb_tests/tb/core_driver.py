"""Drives the compute core through its host port: preloads a job, runs it, reads the outputs back.

Python is awake on every clock only while words go in or out; it sleeps while the core computes.
"""

from collections.abc import Iterable
from dataclasses import fields

import numpy as np
from cocotb.handle import Immediate
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge, with_timeout
from cocotb.utils import get_sim_time

from cocotb_tests.tb.bits import to_bits, to_int8
from cocotb_tests.tb.clocking import CLOCK_PERIOD_NS, pulse_reset, start_clock
from crisp_golden.config import CoreConfig
from crisp_golden.cycles import CycleCount
from crisp_golden.job import HostSpace, job_fields
from crisp_golden.packing import Job
from crisp_golden.timing import ACTIVATION_LATENCY

COUNTER_BITS = 32
COUNTER_NAMES = tuple(field.name for field in fields(CycleCount))
HOST_INPUTS = ("host_write", "host_read", "host_space", "host_addr", "host_wdata", "start")


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
        self._clock_runs = False

    async def reset(self) -> None:
        """Reset the core, whatever it is doing; the first time also start the clock."""
        if self._clock_runs:
            await pulse_reset(self.dut)
        else:
            await start_clock(self.dut, **dict.fromkeys(HOST_INPUTS, 0))
        self._clock_runs = True

    async def write(self, space: int, address: int, words: Iterable[int]) -> None:
        """Write consecutive words of a memory, one per clock."""
        dut = self.dut
        dut.host_write.value = 1
        dut.host_space.value = space
        # At falling edges nothing else changes, so that inputs need no scheduling by cocotb, which is slow.
        addr, data, falling = dut.host_addr, dut.host_wdata, FallingEdge(dut.clk)
        for offset, word in enumerate(words):
            addr.value = Immediate(address + offset)
            data.value = Immediate(word)
            await falling
        dut.host_write.value = 0

    async def write_smem(self, address: int, words: np.ndarray) -> None:
        """Write int8[words, window] into the activation memory."""
        await self.write(HostSpace.SMEM, address, map(to_bits, words))

    async def read_smem(self, address: int, count: int) -> np.ndarray:
        """Read ``count`` words of the activation memory as int8[count, window]."""
        dut, words = self.dut, []
        dut.host_read.value = 1
        addr, data, falling = dut.host_addr, dut.host_rdata, FallingEdge(dut.clk)
        for cycle in range(count + ACTIVATION_LATENCY - 1):
            addr.value = Immediate(address + min(cycle, count - 1))
            await falling
            if cycle + 1 >= ACTIVATION_LATENCY:
                words.append(to_int8(data.value.to_unsigned(), self.config.window))
        dut.host_read.value = 0
        return np.stack(words)

    async def load(self, job: Job) -> None:
        """Write the registers and all memories of a job but the activation memory."""
        fields = job_fields(self.config)
        registers = [field.encode(job.registers[field.name]) for field in fields]
        weights = map(to_bits, job.weights)
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
        counters = self.counters()
        await FallingEdge(dut.clk)
        return counters, cycles

    def counters(self) -> CycleCount:
        """Read the counters of the last job."""
        packed = self.dut.counters.value.to_unsigned()
        mask = (1 << COUNTER_BITS) - 1
        return CycleCount(**{name: packed >> COUNTER_BITS * i & mask for i, name in enumerate(COUNTER_NAMES)})
