"""Payloads of the streams between the engines and the bus."""

from typing import Any

from amaranth.lib import data, stream

from crisp_golden.program.dma_timing import BURST_BEATS
from crisp_hw.bus.signatures import ADDRESS_BITS

OFFSET_BITS = 32

WINDOW_LAYOUT = data.StructLayout({"base": ADDRESS_BITS, "size": OFFSET_BITS, "allowed": 1})
"""Address window of external memory as one direction of transfer sees it."""

BURST_LAYOUT = data.StructLayout({"address": ADDRESS_BITS, "beats": BURST_BEATS.bit_length()})
"""A burst: byte address, a multiple of the beat, and 1 to ``BURST_BEATS`` beats."""


def read_beat_layout(data_bits: int) -> data.StructLayout:
    """A beat of read data; ``error`` if the bus says that it is not to be used."""
    return data.StructLayout({"data": data_bits, "error": 1})


def stream_of(shape: Any) -> stream.Signature:
    """Signature of a stream with payloads of ``shape``, any shape-like object."""
    return stream.Signature(shape)
