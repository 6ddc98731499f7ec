"""Payloads that travel between the blocks of the core."""

from amaranth.hdl import Shape
from amaranth.lib import data
from amaranth.utils import ceil_log2

from crisp_golden.config import CoreConfig
from crisp_golden.job import CHANNEL_FIELDS, COORDINATE_BITS, Field, job_fields, tap_fields

CHANNEL_SLOTS = 16
"""Row tiles whose channel parameters every row keeps; see ``ArrayRow`` for why 16 suffice."""


def _struct(fields: tuple[Field, ...]) -> data.StructLayout:
    return data.StructLayout({field.name: Shape(field.bits, signed=field.signed) for field in fields})


def job_layout(config: CoreConfig) -> data.StructLayout:
    """The job registers, see ``crisp_golden.job``."""
    return _struct(job_fields(config))


def tap_layout(config: CoreConfig) -> data.StructLayout:
    """A word of the tap table."""
    return _struct(tap_fields(config))


CHANNEL_LAYOUT = _struct(CHANNEL_FIELDS)
"""Bias and requantization of one output channel."""


def address_bits(config: CoreConfig) -> int:
    """Bits of an SMEM word address."""
    return ceil_log2(config.smem_words)


def window_layout(config: CoreConfig) -> data.StructLayout:
    """A decoded window: where its pixels lie, for which outputs, and its place in the loops.

    ``base`` is the SMEM word of the tile's first pixel. ``first`` and ``last`` window of the tile;
    ``first_pixels`` and ``last_pixels`` mark the first and last pixel tile of a row tile, ``last_rows`` the
    last row tile of the job.
    """
    c = COORDINATE_BITS
    return data.StructLayout(
        {
            "base": address_bits(config),
            "y_low": c,
            "y_high": c,
            "x_low": c,
            "x_high": c,
            "first": 1,
            "last": 1,
            "first_pixels": 1,
            "last_pixels": 1,
            "last_rows": 1,
        }
    )


def beat_layout(config: CoreConfig) -> data.StructLayout:
    """One cycle of work for an array row, handed on from row to row.

    ``fetch``: a new activation window comes with this beat. ``mac``: multiply with slot ``n`` of weight
    buffer ``buffer`` and add to accumulators ``bank``/``depth``, starting from the bias if ``first``.
    ``residual``: store this row's byte of the window as residual; ``part`` is the row tile's place in it.
    """
    return data.StructLayout(
        {
            "fetch": 1,
            "mac": 1,
            "residual": 1,
            "first": 1,
            "n": max(1, ceil_log2(config.m)),
            "buffer": 1,
            "bank": 1,
            "depth": ceil_log2(config.tile_depth),
            "slot": ceil_log2(CHANNEL_SLOTS),
            "part": max(1, ceil_log2(config.window // config.rows)),
        }
    )


def weight_bus_layout(config: CoreConfig) -> data.StructLayout:
    """Weights of ``load_rows`` rows for slot ``n`` of buffer ``buffer``, handed on from row to row."""
    return data.StructLayout(
        {
            "valid": 1,
            "buffer": 1,
            "n": max(1, ceil_log2(config.m)),
            "group": max(1, ceil_log2(config.load_beats)),
            "data": config.weight_word_bits,
        }
    )


def channel_bus_layout(config: CoreConfig) -> data.StructLayout:
    """Parameters of ``load_rows`` output channels, broadcast to the rows."""
    return data.StructLayout(
        {
            "valid": 1,
            "slot": ceil_log2(CHANNEL_SLOTS),
            "group": max(1, ceil_log2(config.load_beats)),
            "data": data.ArrayLayout(CHANNEL_LAYOUT, config.load_rows),
        }
    )


def drain_layout(config: CoreConfig) -> data.StructLayout:
    """Read accumulator ``bank``/``depth`` of column ``col``; the pixel ends its row tile or the job."""
    return data.StructLayout(
        {
            "valid": 1,
            "bank": 1,
            "depth": ceil_log2(config.tile_depth),
            "col": ceil_log2(config.cols),
            "slot": ceil_log2(CHANNEL_SLOTS),
            "row_tile_end": 1,
            "job_end": 1,
        }
    )
