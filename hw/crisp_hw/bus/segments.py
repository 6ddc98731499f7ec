"""Segments of external memory as the hardware sees them."""

from typing import Any

from amaranth.hdl import Mux, Value
from amaranth.lib import data

from crisp_spec.commands import SEGMENTS
from crisp_spec.registers import ADDRESS_BITS, PAGE_BITS

OFFSET_BITS = 32

RANGE_LAYOUT = data.StructLayout({"page": ADDRESS_BITS - PAGE_BITS, "size": OFFSET_BITS})
"""Where a segment lies: the page that it begins with, and its bytes."""

SEGMENT_LAYOUT = data.StructLayout({**RANGE_LAYOUT.members, "allowed": 1})
"""A segment as one direction of transfer sees it: where it lies, and whether it may be used."""

SEGMENTS_LAYOUT = data.ArrayLayout(SEGMENT_LAYOUT, SEGMENTS)
"""All segments as one direction of transfer sees them."""


def segment_base(segment: Any) -> Value:
    """Address of the first byte of a segment."""
    return segment.page.shift_left(PAGE_BITS)


def reachable_bytes(segment: Any) -> Value:
    """Bytes of a segment that have an address, as ``crisp_spec.registers.reachable_bytes`` says."""
    base: Any = segment_base(segment)
    to_the_top = (1 << OFFSET_BITS) - base[:OFFSET_BITS]
    at_the_top = base[OFFSET_BITS:].all()
    return Mux(at_the_top & (to_the_top < segment.size), to_the_top, segment.size)
