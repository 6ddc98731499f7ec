"""Packs Python integers and NumPy bytes into ports, and unpacks them, by Amaranth's data layouts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from amaranth.hdl import Shape
from amaranth.lib import data


def pack(layout: data.StructLayout, values: Mapping[str, int]) -> int:
    """Return the bit pattern of a struct; members that ``values`` does not name are 0.

    Raises
    ------
    ValueError : a value does not fit its member, or there is no member of its name.
    """
    word = 0
    for name, value in values.items():
        if name not in layout.members:
            raise ValueError(f"no member {name!r}; expected one of {', '.join(layout.members)}")
        shape = Shape.cast(layout.members[name])
        low, high = (-(1 << shape.width - 1), 1 << shape.width - 1) if shape.signed else (0, 1 << shape.width)
        if not low <= value < high:
            raise ValueError(f"`{name}` must be from {low} to {high - 1}, not {value}")
        word |= (int(value) & (1 << shape.width) - 1) << layout[name].offset
    return word


def unpack(layout: data.StructLayout, word: int) -> dict[str, Any]:
    """Return the members of a struct of unsigned members and structs of such."""
    values = {}
    for name, field in layout:
        value = word >> field.offset & (1 << field.width) - 1
        values[name] = unpack(field.shape, value) if isinstance(field.shape, data.StructLayout) else value
    return values


def to_bits(values: np.ndarray) -> int:
    """Return int8 values of any shape as one bit pattern, the first in the lowest byte."""
    return int.from_bytes(np.ascontiguousarray(values).tobytes(), "little")


def to_int8(word: int, count: int) -> np.ndarray:
    """Return ``count`` bytes of a bit pattern as int8[count], the lowest byte first."""
    return np.frombuffer(word.to_bytes(count, "little"), np.int8)
