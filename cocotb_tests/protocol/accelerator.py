"""Host of the accelerator in cocotb: registers through AXI4-Lite, memory through AXI4."""

import logging
from collections.abc import Iterator, Sequence
from random import Random

import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiSlave

from cocotb_tests.protocol.external_memory import ExternalMemory
from cocotb_tests.tb.clocking import CLOCK_PERIOD_NS, RESET_CYCLES
from crisp_golden.config import CoreConfig
from crisp_golden.program.commands import COMMAND_BYTES, Command
from crisp_golden.program.errors import ErrorCode, ProgramError
from crisp_golden.program.registers import COUNTERS, register_map
from crisp_golden.program.simulator import AddressWindow, ProgramSimulator

OFFSETS = {register.name: register.offset for register in register_map()}
BASE = 0x12_3456_0000
SIZE = 1 << 18
PROGRAM = SIZE - (1 << 14)
WRITABLE = 1 << 17
"""Window 0 is the whole memory and read only; window 1 is its first half and write only."""

START, SOFT_RESET = 1, 2


class Accelerator:
    """One accelerator with its memory.

    Parameters
    ----------
    chance : that a channel of a bus moves in a cycle.
    stall : see ``ExternalMemory``.
    """

    def __init__(self, dut, config: CoreConfig, rng: Random, *, chance: float = 1.0, stall: float = 0.0):
        self.dut, self.config, self.rng = dut, config, rng
        logging.getLogger("cocotb.crisp_stc").setLevel(logging.ERROR)
        self.memory = ExternalMemory(dut.clk, SIZE, base=BASE, rng=rng)
        self.lite = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)
        self.slave = AxiSlave(AxiBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, target=self.memory)
        self.set_traffic(chance, stall)

    def set_traffic(self, chance: float, stall: float) -> None:
        """Change how the buses behave; see the parameters."""
        self.memory.stall = stall
        for channel in self._channels():
            channel.clear_pause_generator()
            channel.pause = False
            if chance < 1.0:
                channel.set_pause_generator(self._pauses(chance))

    def _channels(self) -> Iterator:
        for end in (self.slave, self.lite):
            for half, names in ((end.write_if, ("aw", "w", "b")), (end.read_if, ("ar", "r"))):
                yield from (getattr(half, f"{name}_channel") for name in names)

    def _pauses(self, chance: float) -> Iterator[bool]:
        rng = Random(self.rng.random())
        while True:
            yield rng.random() >= chance

    async def reset(self) -> None:
        """Start the clock and reset the device."""
        self.dut.rst.value = 1
        Clock(self.dut.clk, CLOCK_PERIOD_NS, unit="ns").start()
        await ClockCycles(self.dut.clk, RESET_CYCLES)
        self.dut.rst.value = 0
        await ClockCycles(self.dut.clk, 2)

    async def write(self, name: str, value: int) -> None:
        """Write a register."""
        await self.lite.write_dword(OFFSETS[name], value)

    async def read(self, name: str) -> int:
        """Read a register."""
        return await self.lite.read_dword(OFFSETS[name])

    async def set_windows(self) -> None:
        """Set the address windows."""
        for window, size, permissions in ((0, SIZE, 1), (1, WRITABLE, 2)):
            await self.write(f"window_{window}_base_low", BASE & 0xFFFF_FFFF)
            await self.write(f"window_{window}_base_high", BASE >> 32)
            await self.write(f"window_{window}_size", size)
            await self.write(f"window_{window}_permissions", permissions)
        await self.write("interrupt_enable", 3)

    async def start(self, program: Sequence[Command | bytes]) -> None:
        """Put a program into memory and start it."""
        code = b"".join(item if isinstance(item, bytes) else item.encode() for item in program)
        self.memory.data[PROGRAM : PROGRAM + len(code)] = code
        await self.set_windows()
        await self.write("program_offset", PROGRAM)
        await self.write("program_length", len(code) // COMMAND_BYTES)
        await self.write("interrupt_status", 3)
        await self.write("control", START)

    async def wait(self, limit: int = 400_000) -> tuple[ErrorCode, int]:
        """Wait for the interrupt; return error code and index. The counters must add up and the bus rest."""
        if not self.dut.interrupt.value:
            await with_timeout(RisingEdge(self.dut.interrupt), limit * CLOCK_PERIOD_NS, "ns")
        traffic = self.memory.reads, self.memory.writes
        status, pending = await self.read("status"), await self.read("interrupt_status")
        code = ErrorCode(status >> 8 & 0xFF)
        done = int(code is ErrorCode.NONE)
        assert (status & 7, pending) == ((2, 1) if done else (0, 2)), (status, pending)
        counters = await self.counters()
        names = list(counters)
        parts = names[names.index("prologue") : names.index("idle") + 1]
        assert sum(counters[name] for name in parts) == counters["total"], counters
        assert (self.memory.reads, self.memory.writes) == traffic, "the bus is used after the end"
        return code, await self.read("error_index")

    async def counters(self) -> dict[str, int]:
        """All counters."""
        return {name: await self.read(f"count_{name}") for name, _ in COUNTERS}

    def simulator(self) -> tuple[ProgramSimulator, np.ndarray]:
        """Golden with a copy of the memory, and this copy."""
        data = np.frombuffer(bytes(self.memory.data), np.uint8).copy()
        windows = [
            AddressWindow(data),
            AddressWindow(data[:WRITABLE], readable=False, writable=True),
        ]
        return ProgramSimulator(self.config, windows), data


def golden_outcome(simulator: ProgramSimulator, commands: int) -> tuple[ErrorCode, int]:
    """Run a program on golden; return error code and index."""
    try:
        simulator.run(PROGRAM, commands)
    except ProgramError as error:
        return error.code, error.index
    return ErrorCode.NONE, 0
