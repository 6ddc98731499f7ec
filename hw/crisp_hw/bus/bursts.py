"""Bursts: what engines and fetcher ask of the bus, and what they hear from it."""

from typing import Any

from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from crisp_spec.dma_latencies import BURST_BEATS
from crisp_spec.registers import ADDRESS_BITS

BURST_LAYOUT = data.StructLayout({"address": ADDRESS_BITS, "beats": BURST_BEATS.bit_length()})
"""A burst: byte address, a multiple of the beat, and 1 to ``BURST_BEATS`` beats."""


def read_beat_layout(data_bits: int) -> data.StructLayout:
    """A beat of read data; ``error`` if the bus says that it is not to be used."""
    return data.StructLayout({"data": data_bits, "error": 1})


def stream_of(shape: Any) -> stream.Signature:
    """Signature of a stream with payloads of ``shape``, any shape-like object."""
    return stream.Signature(shape)


class BurstReads(wiring.Signature):
    """Reads as a client of ``BurstReader`` sees them.

    Parameters
    ----------
    data_bits : width of the bus.

    Members
    -------
    request : Out, stream of ``BURST_LAYOUT``.
    data : In, stream of ``read_beat_layout``, in the order of the requests.
    """

    def __init__(self, data_bits: int):
        super().__init__(
            {"request": Out(stream_of(BURST_LAYOUT)), "data": In(stream_of(read_beat_layout(data_bits)))}
        )


class BurstWrites(wiring.Signature):
    """Writes as the client of ``BurstWriter`` sees them.

    Parameters
    ----------
    data_bits : width of the bus.

    Members
    -------
    request : Out, stream of ``BURST_LAYOUT``.
    data : Out, stream of beats, in the order of the requests.
    answered : In(1), every burst that was taken has been answered.
    failed : In(1), the bus has answered with an error since ``clear``.
    clear : Out(1), lowers ``failed``.
    """

    def __init__(self, data_bits: int):
        super().__init__(
            {
                "request": Out(stream_of(BURST_LAYOUT)),
                "data": Out(stream_of(data_bits)),
                "answered": In(1),
                "failed": In(1),
                "clear": Out(1),
            }
        )
