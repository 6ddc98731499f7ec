"""Golden's simulator behind the registers of the accelerator: everything but the cycles."""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from crisp_golden.machine.chip import Chip
from crisp_golden.machine.simulator import ProgramSimulator, Segment
from crisp_spec.commands import SEGMENTS
from crisp_spec.config import CoreConfig
from crisp_spec.error_codes import ProgramError
from crisp_spec.fields import pack_fields, unpack_fields
from crisp_spec.registers import (
    MAGIC,
    SEGMENT_ALIGNMENT,
    VERSION,
    Register,
    reachable_bytes,
    register_map,
)
from crisp_sw.driver.errors import DriverError

FIRST_ADDRESS = 0x1_0000_0000

_BY_OFFSET: dict[int, Register] = {register.offset: register for register in register_map()}
_BY_NAME: dict[str, Register] = {register.name: register for register in register_map()}


class SimulatedBus:
    """A ``Bus`` whose accelerator executes programs in no time, command by command; counters stay 0.

    The watchdog ends what the hardware surely takes longer for.

    The memories on the chip keep their contents from one program to the next and through a reset, as those of
    the hardware do.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        self.chip = Chip(config)
        self.memory: dict[int, np.ndarray] = {}
        self._next_address = FIRST_ADDRESS
        self._values = dict.fromkeys(_BY_OFFSET, 0)
        self._set("id", id=MAGIC)
        self._set("version", version=VERSION)
        for name, value in asdict(config).items():
            self._values[_BY_NAME[f"shape_{name}"].offset] = value

    def read32(self, offset: int) -> int:
        """Read the register at ``offset``."""
        return 0 if self._register(offset).access == "wo" else self._values[offset]

    def write32(self, offset: int, value: int) -> None:
        """Write the register at ``offset``; writing ``control`` runs the program at once."""
        register = self._register(offset)
        if register.access == "rw":
            self._values[offset] = value & register.mask
        elif register.access == "w1c":
            self._values[offset] &= ~value
        elif register.name == "control":
            self._command(unpack_fields(register.fields, value))

    def allocate(self, size: int) -> int:
        """Reserve memory."""
        address = self._next_address
        self.place(address, size)
        self._next_address += (-(-size // SEGMENT_ALIGNMENT) + 1) * SEGMENT_ALIGNMENT
        return address

    def place(self, address: int, size: int) -> None:
        """Reserve memory at an address of which nothing has been reserved."""
        self.memory[address] = np.zeros(size, np.uint8)

    def release(self, address: int) -> None:
        """Give memory back."""
        del self.memory[address]

    def read_memory(self, address: int, size: int) -> np.ndarray:
        """Return a copy of memory as uint8[size]."""
        return self._view(address, size).copy()

    def write_memory(self, address: int, data: np.ndarray) -> None:
        """Copy ``data`` uint8[size] to memory."""
        self._view(address, len(data))[:] = data

    def wait_interrupt(self, cycles: int) -> bool:
        """Say whether the interrupt is high; programs have always ended."""
        pending, enabled = self._fields("interrupt_status"), self._fields("interrupt_enable")
        return any(pending[name] and enabled[name] for name in pending)

    def _register(self, offset: int) -> Register:
        if offset not in _BY_OFFSET:
            raise DriverError(f"there is no register at {offset:#x}")
        return _BY_OFFSET[offset]

    def _fields(self, name: str) -> dict[str, int]:
        register = _BY_NAME[name]
        return unpack_fields(register.fields, self._values[register.offset])

    def _set(self, name: str, **fields: int) -> None:
        register = _BY_NAME[name]
        complete: Mapping[str, int] = {**self._fields(name), **fields}
        self._values[register.offset] = pack_fields(register.fields, complete)

    def _view(self, address: int, size: int) -> np.ndarray:
        for base, block in self.memory.items():
            if base <= address and address + size <= base + len(block):
                return block[address - base : address - base + size]
        raise DriverError(f"{size} bytes at {address:#x} are not allocated")

    def _command(self, control: dict[str, int]) -> None:
        if control["reset"]:
            self._set("status", done=0, error=0)
            self._set("error_index", index=0)
        elif control["start"]:
            self._run()

    def _run(self) -> None:
        simulator = ProgramSimulator(self.config, self._segments(), self.chip)
        start = self._fields("program_offset")["offset"]
        try:
            simulator.run(
                start,
                self._fields("program_length")["commands"],
                watchdog=self._fields("watchdog")["cycles"],
            )
        except ProgramError as error:
            self._set("status", done=0, error=error.code)
            self._set("error_index", index=error.index)
            self._set("interrupt_status", error=1)
        else:
            self._set("status", done=1, error=0)
            self._set("error_index", index=0)
            self._set("interrupt_status", done=1)

    def _segments(self) -> list[Segment]:
        segments = []
        for number in range(SEGMENTS):
            name = f"segment_{number}"
            low, high, size = (
                self._values[_BY_NAME[f"{name}_{part}"].offset] for part in ("base_low", "base_high", "size")
            )
            base, allowed = high << 32 | low, self._fields(f"{name}_permissions")
            reach = reachable_bytes(base, size)
            data = self._view(base, reach) if reach else np.empty(0, np.uint8)
            segments.append(Segment(data, readable=bool(allowed["read"]), writable=bool(allowed["write"])))
        return segments
