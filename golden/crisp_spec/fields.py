"""Bit fields: the one declaration from which words are packed, registers built and documentation written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crisp_spec.errors import LayerError

WORD_BITS = 32


@dataclass(frozen=True)
class Field:
    """One field of a register, command or memory word.

    Parameters
    ----------
    bits : width.
    signed : two's complement.
    doc : what it means, with its unit.
    """

    name: str
    bits: int
    signed: bool
    doc: str

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest value."""
        if self.signed:
            return -(1 << self.bits - 1), (1 << self.bits - 1) - 1
        return 0, (1 << self.bits) - 1

    def encode(self, value: int) -> int:
        """Return ``value`` as an unsigned bit pattern; LayerError if it does not fit."""
        low, high = self.limits
        if not low <= value <= high:
            raise LayerError(f"`{self.name}` must be from {low} to {high}, not {value}")
        return value & ((1 << self.bits) - 1)

    def decode(self, pattern: int) -> int:
        """Inverse of ``encode``; bits above the field are ignored."""
        value = pattern & ((1 << self.bits) - 1)
        return value - (1 << self.bits) if self.signed and value >> self.bits - 1 else value


def pack_fields(fields: Sequence[Field], values: Mapping[str, int]) -> int:
    """Pack ``values`` into one word, first field in the lowest bits.

    Raises
    ------
    LayerError : a value does not fit its field.
    """
    word, position = 0, 0
    for field in fields:
        word |= field.encode(int(values[field.name])) << position
        position += field.bits
    return word


def unpack_fields(fields: Sequence[Field], word: int) -> dict[str, int]:
    """Inverse of ``pack_fields``."""
    values, position = {}, 0
    for field in fields:
        values[field.name] = field.decode(word >> position)
        position += field.bits
    return values


def word_offsets(fields: Sequence[Field]) -> dict[str, int]:
    """Bit offset of every field when none may cross the border between two 32-bit words."""
    offsets, position = {}, 0
    for field in fields:
        if position // WORD_BITS != (position + field.bits - 1) // WORD_BITS:
            position = -(-position // WORD_BITS) * WORD_BITS
        offsets[field.name] = position
        position += field.bits
    return offsets
