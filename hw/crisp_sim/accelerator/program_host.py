"""Sets programs up and judges them clock by clock, over whatever bus leads to the accelerator's registers."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from crisp_spec.commands import COMMAND_BYTES, Command
from crisp_spec.cycle_causes import PROGRAM_CAUSES
from crisp_spec.fields import unpack_fields
from crisp_spec.registers import COUNTERS, RESERVED, register_map

REGISTERS = {register.name: register for register in register_map()}
READ, WRITE = 1, 2
START, SOFT_RESET = 1, 2


def program_bytes(program: Sequence[Command | bytes]) -> bytes:
    """The commands of a program as they lie in memory."""
    return b"".join(item if isinstance(item, bytes) else item.encode() for item in program)


class ProgramHost(ABC):
    """Whoever runs programs on one accelerator, clock by clock; the accesses themselves are the bus's matter.

    Segment 0 may be read and segment 1 written; both begin at the same address, and there are no others.
    """

    @abstractmethod
    async def write(self, name: str, value: int) -> Any:
        """Write a register."""

    @abstractmethod
    async def read(self, name: str) -> int:
        """Read a register."""

    async def set_segments(self, base: int, readable: int, writable: int) -> None:
        """Set the segments at ``base``, with their sizes in bytes, and permit both interrupts."""
        for segment, size, permissions in ((0, readable, READ), (1, writable, WRITE)):
            await self.write(f"segment_{segment}_base_low", base & 0xFFFF_FFFF)
            await self.write(f"segment_{segment}_base_high", base >> 32)
            await self.write(f"segment_{segment}_size", size)
            await self.write(f"segment_{segment}_permissions", permissions)
        await self.write("interrupt_enable", 3)

    async def set_program(self, offset: int, length: int) -> None:
        """Set where in segment 0 the program lies, and how many bytes of commands it has."""
        await self.write("program_offset", offset)
        await self.write("program_length", length // COMMAND_BYTES)

    async def status(self) -> dict[str, int]:
        """The fields of the status register, and ``index``: the command of an error."""
        fields = unpack_fields(REGISTERS["status"].fields, await self.read("status"))
        del fields[RESERVED]
        return {**fields, "index": await self.read("error_index")}

    async def counters(self) -> dict[str, int]:
        """All counters; those that must add up to ``total`` are checked to do so."""
        values = {name: await self.read(f"count_{name}") for name, _ in COUNTERS}
        assert sum(values[cause] for cause in PROGRAM_CAUSES) == values["total"], values
        return values
