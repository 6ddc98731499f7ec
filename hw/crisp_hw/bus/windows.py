"""Address windows of external memory as the hardware sees them."""

from typing import Any

from amaranth.hdl import Mux, Value
from amaranth.lib import data

from crisp_spec.commands import WINDOWS
from crisp_spec.registers import ADDRESS_BITS, PAGE_BITS

OFFSET_BITS = 32

RANGE_LAYOUT = data.StructLayout({"page": ADDRESS_BITS - PAGE_BITS, "size": OFFSET_BITS})
"""Where a window lies: the page that it begins with, and its bytes."""

WINDOW_LAYOUT = data.StructLayout({**RANGE_LAYOUT.members, "allowed": 1})
"""A window as one direction of transfer sees it: where it lies, and whether it may be used."""

WINDOWS_LAYOUT = data.ArrayLayout(WINDOW_LAYOUT, WINDOWS)
"""All windows as one direction of transfer sees them."""


def window_base(window: Any) -> Value:
    """Address of the first byte of a window."""
    return window.page.shift_left(PAGE_BITS)


def reachable_bytes(window: Any) -> Value:
    """Bytes of a window that have an address, as ``crisp_spec.registers.reachable_bytes`` says."""
    base: Any = window_base(window)
    to_the_top = (1 << OFFSET_BITS) - base[:OFFSET_BITS]
    at_the_top = base[OFFSET_BITS:].all()
    return Mux(at_the_top & (to_the_top < window.size), to_the_top, window.size)
