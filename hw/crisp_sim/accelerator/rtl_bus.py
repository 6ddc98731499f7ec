"""The simulated accelerator as a bus of the host's driver."""

from pathlib import Path

import numpy as np

from crisp_golden.cycles.memory_timing import MemoryTiming
from crisp_sim.accelerator.library import model_library
from crisp_sim.accelerator.simulation import Simulation
from crisp_sim.errors import BenchError
from crisp_sim.runs.runner import BUILD
from crisp_spec.config import CoreConfig
from crisp_spec.registers import SEGMENT_ALIGNMENT

FIRST_ADDRESS = 0x12_3400_0000
"""Above 32 bits, so that the upper halves of addresses matter."""


class RtlBus:
    """A ``Bus`` whose accelerator is the RTL of ``config``.

    What lies between two allocated blocks is not mapped: the accelerator cannot leave a block unnoticed.

    Parameters
    ----------
    timing : of the external memory.
    waves : file for a trace of all signals.
    """

    def __init__(
        self,
        config: CoreConfig,
        *,
        timing: MemoryTiming | None = None,
        waves: Path | None = None,
        build: Path = BUILD,
    ):
        library = model_library(config, waves=waves is not None, build=build)
        self.simulation = Simulation(library, timing=timing, waves=waves)
        self.blocks: dict[int, np.ndarray] = {}
        self._next_address = FIRST_ADDRESS

    def read32(self, offset: int) -> int:
        """Read the register at ``offset``."""
        return self.simulation.read32(offset)

    def write32(self, offset: int, value: int) -> None:
        """Write the register at ``offset``."""
        self.simulation.write32(offset, value)

    def allocate(self, size: int) -> int:
        """Reserve memory, with unmapped pages behind it."""
        address = self._next_address
        self._next_address += (-(-size // SEGMENT_ALIGNMENT) + 1) * SEGMENT_ALIGNMENT
        self.place(address, size)
        return address

    def place(self, address: int, size: int) -> None:
        """Reserve memory at an address of which nothing has been reserved."""
        self.blocks[address] = np.zeros(size, np.uint8)
        self.simulation.map(address, self.blocks[address])

    def release(self, address: int) -> None:
        """Give memory back."""
        self.simulation.unmap(address)
        del self.blocks[address]

    def read_memory(self, address: int, size: int) -> np.ndarray:
        """Return a copy of memory as uint8[size]."""
        return self._view(address, size).copy()

    def write_memory(self, address: int, data: np.ndarray) -> None:
        """Copy ``data`` uint8[size] to memory."""
        self._view(address, len(data))[:] = data

    def wait_interrupt(self, cycles: int) -> bool:
        """Run until the interrupt is high."""
        self.simulation.run(cycles)
        return self.simulation.interrupt

    def _view(self, address: int, size: int) -> np.ndarray:
        for base, block in self.blocks.items():
            if base <= address and address + size <= base + len(block):
                return block[address - base : address - base + size]
        raise BenchError(f"{size} bytes at {address:#x} are not allocated")
