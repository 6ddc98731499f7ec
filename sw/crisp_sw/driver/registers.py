"""Registers by name instead of by address and bit."""

from collections.abc import Mapping

from crisp_golden.fields import pack_fields, unpack_fields
from crisp_golden.program.registers import Register, register_map
from crisp_sw.driver.bus import Bus

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


def _complete(register: Register, fields: Mapping[str, int]) -> dict[str, int]:
    names = {field.name for field in register.fields}
    if not names.issuperset(fields):
        raise KeyError(f"register `{register.name}` has no field {sorted(set(fields) - names)}")
    return {**dict.fromkeys(names, 0), **fields}
