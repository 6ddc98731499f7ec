"""What a host needs of the place where an accelerator is: registers, memory, interrupt."""

from typing import Protocol

import numpy as np


class Bus(Protocol):
    """Connection to one accelerator and to memory that both it and the host can reach."""

    def read32(self, offset: int) -> int:
        """Read the register at ``offset``."""
        ...

    def write32(self, offset: int, value: int) -> None:
        """Write the register at ``offset``."""
        ...

    def allocate(self, size: int) -> int:
        """Reserve ``size`` bytes of memory; return their address, a multiple of ``SEGMENT_ALIGNMENT``."""
        ...

    def release(self, address: int) -> None:
        """Give back what ``allocate`` reserved at ``address``."""
        ...

    def read_memory(self, address: int, size: int) -> np.ndarray:
        """Return a copy of memory as uint8[size]."""
        ...

    def write_memory(self, address: int, data: np.ndarray) -> None:
        """Copy ``data`` uint8[size] to memory."""
        ...

    def wait_interrupt(self, cycles: int) -> bool:
        """Sleep until the interrupt is high, for about ``cycles`` clock cycles at most; say whether it is."""
        ...
