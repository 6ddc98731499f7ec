"""Host of the accelerator in cocotb: registers through AXI4-Lite, memory through AXI4."""

import logging
from collections.abc import Sequence
from random import Random
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.task import Task
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster

from cocotb_tests.protocol.external_memory import MAX_LATENCY, ExternalMemory
from cocotb_tests.protocol.late_slave import LateRead, LateWrite
from cocotb_tests.protocol.stability import CHANNELS, watch_channel
from crisp_golden.machine.simulator import ProgramSimulator
from crisp_golden.stimuli.aftermath import Aftermath
from crisp_golden.stimuli.random_programs import ProgramMemory
from crisp_sim.accelerator.program_host import REGISTERS, START, ProgramHost, program_bytes
from crisp_sim.core.clocking import CLOCK_PERIOD_NS, RESET_CYCLES
from crisp_spec.commands import Command
from crisp_spec.config import CoreConfig
from crisp_spec.error_codes import ErrorCode, ProgramError

BASE = 0x12_3456_0000


class Accelerator(ProgramHost):
    """One accelerator with its memory, whose segments are those of ``ProgramMemory``.

    Parameters
    ----------
    chance : that a channel of a bus moves in a cycle.
    stall : see ``ExternalMemory``.

    Attributes
    ----------
    violations : what broke a rule of the bus, in words; ``wait`` demands that there are none.
    total : cycles of the last program.
    """

    def __init__(self, dut, config: CoreConfig, rng: Random, *, chance: float = 1.0, stall: float = 0.0):
        self.dut, self.config, self.rng, self.place = dut, config, rng, ProgramMemory(config)
        logging.getLogger("cocotb.crisp_stc").setLevel(logging.ERROR)
        self.violations: list[str] = []
        self.total = 0
        self.memory = ExternalMemory(dut.clk, self.place.size, base=BASE, rng=rng, violations=self.violations)
        bus = AxiBus.from_prefix(dut, "m_axi")
        self.lite = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)
        self.reads = LateRead(bus.read, dut.clk, dut.rst, self.memory)
        self.writes = LateWrite(bus.write, dut.clk, dut.rst, self.memory)
        for name, payload in CHANNELS.items():
            cocotb.start_soon(watch_channel(dut, name, payload, self.violations))
        self._pauses: Task | None = None
        self.set_traffic(chance, stall)
        self.set_latency()

    def set_latency(self, read: int | None = None, write: int | None = None) -> None:
        """Change the latencies of the memory; those not given are random."""
        self.memory.read_latency = read or self.rng.randint(1, MAX_LATENCY)
        self.memory.write_latency = write or self.rng.randint(1, MAX_LATENCY)

    def set_traffic(self, chance: float, stall: float) -> None:
        """Change how the buses behave; see the parameters."""
        self.memory.stall = stall
        if self._pauses:
            self._pauses.cancel()
        self._pauses = cocotb.start_soon(self._pause(chance))

    async def _pause(self, chance: float) -> None:
        """Let the channels of both buses move as they should.

        Waking up the channels is most of a simulation's time: one task does it for all, and the registers'
        channels sleep while nobody uses them.
        """
        rng, edge = Random(self.rng.random()), RisingEdge(self.dut.clk)
        memory = _channels(self.reads, self.writes)
        everything = memory + _channels(self.lite.read_if, self.lite.write_if)
        while True:
            for channel in everything if chance == 1.0 or not self.lite.idle() else memory:
                channel.pause = rng.random() >= chance
            if chance == 1.0:
                return
            await edge

    async def reset(self) -> None:
        """Start the clock and reset the device."""
        self.dut.rst.value = 1
        Clock(self.dut.clk, CLOCK_PERIOD_NS, unit="ns").start()
        await ClockCycles(self.dut.clk, RESET_CYCLES)
        self.dut.rst.value = 0
        await ClockCycles(self.dut.clk, 2)

    async def write(self, name: str, value: int) -> None:
        """Write a register."""
        await self.lite.write_dword(REGISTERS[name].offset, value)

    async def read(self, name: str) -> int:
        """Read a register."""
        return await self.lite.read_dword(REGISTERS[name].offset)

    async def start(self, program: Sequence[Command | bytes]) -> Aftermath:
        """Put a program into memory and start it; return what it may leave there."""
        code = program_bytes(program)
        self.memory.data[self.place.program : self.place.program + len(code)] = code
        aftermath = Aftermath(self.config, self.place, self.contents, program)
        await self.set_segments(BASE, self.place.size, self.place.space)
        await self.set_program(self.place.program, len(code))
        await self.write("interrupt_status", 3)
        await self.write("control", START)
        return aftermath

    @property
    def contents(self) -> np.ndarray:
        """The memory as uint8[size]."""
        return np.frombuffer(self.memory.data, np.uint8)

    async def wait(self, limit: int = 1_000_000) -> tuple[ErrorCode, int]:
        """Wait for the interrupt; return error code and index. The counters must add up and the bus rest."""
        if not self.dut.interrupt.value:
            await with_timeout(RisingEdge(self.dut.interrupt), limit * CLOCK_PERIOD_NS, "ns")
        traffic = self.memory.reads, self.memory.writes
        status, pending = await self.status(), await self.read("interrupt_status")
        code, index = ErrorCode(status.pop("error")), status.pop("index")
        done = int(code is ErrorCode.NONE)
        assert (status, pending) == ({"busy": 0, "done": done, "resetting": 0}, 1 if done else 2)
        self.total = (await self.counters())["total"]
        assert (self.memory.reads, self.memory.writes) == traffic, "the bus is used after the end"
        self.check_bus()
        return code, index

    def check_bus(self) -> None:
        """Demand that no rule of the bus has been broken since the beginning."""
        assert not self.violations, self.violations

    def outcome(self, commands: int) -> tuple[ErrorCode, int]:
        """Run the program that is in memory on golden; return error code and index."""
        simulator = ProgramSimulator(self.config, self.place.segments(self.contents.copy()))
        try:
            simulator.run(self.place.program, commands)
        except ProgramError as error:
            return error.code, error.index
        return ErrorCode.NONE, 0


def _channels(reads: Any, writes: Any) -> list[Any]:
    """The channels of a bus, of either side."""
    return [reads.ar_channel, reads.r_channel, writes.aw_channel, writes.w_channel, writes.b_channel]
