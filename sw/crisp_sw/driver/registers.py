"""Registers by name instead of by address and bit."""

from collections.abc import Mapping

from crisp_spec.fields import pack_fields, unpack_fields
from crisp_spec.registers import ADDRESS_BITS, PAGE_BITS, SEGMENT_ALIGNMENT, Register, register_map
from crisp_sw.driver.bus import Bus
from crisp_sw.driver.errors import DriverError

REGISTERS: dict[str, Register] = {register.name: register for register in register_map()}


class Registers:
    """The registers of the accelerator on ``bus``."""

    def __init__(self, bus: Bus):
        self.bus = bus

    def read(self, name: str) -> dict[str, int]:
        """Return the fields of a register by name."""
        register = REGISTERS[name]
        return unpack_fields(register.fields, self.bus.read32(register.offset))

    def value(self, name: str) -> int:
        """Return a register that has a single field."""
        (value,) = self.read(name).values()
        return value

    def write(self, name: str, **fields: int) -> None:
        """Write a register; fields that are not named become 0.

        Raises
        ------
        LayerError : a value does not fit its field.
        """
        register = REGISTERS[name]
        self.bus.write32(register.offset, pack_fields(register.fields, _complete(register, fields)))

    def set_segment(
        self, number: int, address: int, size: int, *, read: bool = False, write: bool = False
    ) -> None:
        """Let programs reach ``size`` bytes of external memory at ``address`` as segment ``number``.

        Raises
        ------
        DriverError : no segment can be there; nothing has been written then.
        """
        check_segment(number, address, size)
        name = f"segment_{number}"
        self.write(f"{name}_base_low", page=(address & 0xFFFFFFFF) >> PAGE_BITS)
        self.write(f"{name}_base_high", address=address >> 32)
        self.write(f"{name}_size", bytes=size)
        self.write(f"{name}_permissions", read=int(read), write=int(write))


def check_segment(number: int, address: int, size: int) -> None:
    """Raise DriverError if there can be no segment of ``size`` bytes at ``address``."""
    if address % SEGMENT_ALIGNMENT:
        raise DriverError(
            f"segment {number} begins at {address:#x}, expected a multiple of {SEGMENT_ALIGNMENT}"
        )
    if not 0 <= size < 1 << 32:
        raise DriverError(f"segment {number} has {size} bytes, expected from 0 to {(1 << 32) - 1}")
    if not 0 <= address <= (1 << ADDRESS_BITS) - max(size, 1):
        raise DriverError(
            f"segment {number} of {size} bytes at {address:#x} leaves the {ADDRESS_BITS}-bit address space"
        )


def _complete(register: Register, fields: Mapping[str, int]) -> dict[str, int]:
    names = {field.name for field in register.fields}
    if not names.issuperset(fields):
        raise KeyError(f"register `{register.name}` has no field {sorted(set(fields) - names)}")
    return {**dict.fromkeys(names, 0), **fields}
