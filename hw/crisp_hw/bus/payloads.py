"""Payloads of the streams between the engines and the bus."""

from typing import Any

from amaranth.hdl import Mux, Value
from amaranth.lib import data, stream

from crisp_spec.dma_latencies import BURST_BEATS
from crisp_spec.registers import ADDRESS_BITS, PAGE_BITS

OFFSET_BITS = 32

WINDOW_LAYOUT = data.StructLayout({"page": ADDRESS_BITS - PAGE_BITS, "size": OFFSET_BITS, "allowed": 1})
"""Address window of external memory as one direction of transfer sees it: the page that it begins with."""


def window_base(window: Any) -> Value:
    """Address of the first byte of a window."""
    return window.page.shift_left(PAGE_BITS)


def reachable_bytes(window: Any) -> Value:
    """Bytes of a window that have an address, as ``crisp_spec.registers.reachable_bytes`` says."""
    base: Any = window_base(window)
    to_the_top = (1 << OFFSET_BITS) - base[:OFFSET_BITS]
    at_the_top = base[OFFSET_BITS:].all()
    return Mux(at_the_top & (to_the_top < window.size), to_the_top, window.size)


BURST_LAYOUT = data.StructLayout({"address": ADDRESS_BITS, "beats": BURST_BEATS.bit_length()})
"""A burst: byte address, a multiple of the beat, and 1 to ``BURST_BEATS`` beats."""


def read_beat_layout(data_bits: int) -> data.StructLayout:
    """A beat of read data; ``error`` if the bus says that it is not to be used."""
    return data.StructLayout({"data": data_bits, "error": 1})


def stream_of(shape: Any) -> stream.Signature:
    """Signature of a stream with payloads of ``shape``, any shape-like object."""
    return stream.Signature(shape)
