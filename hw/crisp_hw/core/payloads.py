"""Payloads that travel between the blocks of the core."""

from amaranth.lib import data
from amaranth.utils import ceil_log2

from crisp_hw.parts.field_layouts import fields_layout
from crisp_spec.commands import COORDINATE_BITS, POSITION_BITS, Memory
from crisp_spec.config import VALUE_BITS, CoreConfig
from crisp_spec.memories import ENTRIES

CHANNEL_SLOTS = 16
"""Row tiles whose channel parameters every row keeps; see ``ArrayRow`` for why 16 suffice."""


BLOCK_INDEX_LAYOUT = fields_layout(ENTRIES[Memory.BLOCK_INDEX].fields)
"""A word of the block-index memory."""

TAP_LAYOUT = fields_layout(ENTRIES[Memory.TAP].fields)
"""A word of the tap table."""

CHANNEL_FIELDS = (*ENTRIES[Memory.CHANNEL].fields, *ENTRIES[Memory.RESIDUAL_CHANNEL].fields)
CHANNEL_LAYOUT = fields_layout(CHANNEL_FIELDS)
"""Bias, requantization and residual of one output channel."""


def row_bits(config: CoreConfig) -> int:
    """Bits of an SMEM row, which is an address in every bank."""
    return ceil_log2(config.bank_depth)


def bank_bits(config: CoreConfig) -> int:
    """Bits of the number of a bank."""
    return ceil_log2(config.cols)


def position_bits(config: CoreConfig) -> int:
    """Bits of a position in a ring; the size of a ring takes one more."""
    return ceil_log2(config.smem_words)


def fill_layout(config: CoreConfig) -> data.StructLayout:
    """A beat for one of the memories; ``select`` has one bit for each ``Memory``, and at most one is set."""
    return data.StructLayout({"select": len(Memory), "address": POSITION_BITS, "data": config.bus_bits})


def read_layout(config: CoreConfig) -> data.StructLayout:
    """A read of ``cols`` consecutive positions: banks from ``rotation`` on in ``row``, others in
    ``next_row``."""
    rows = row_bits(config)
    return data.StructLayout({"en": 1, "row": rows, "next_row": rows, "rotation": bank_bits(config)})


def output_layout(config: CoreConfig) -> data.StructLayout:
    """Outputs of one row tile for some banks: their rows, and in all of them the same ``part`` of a word.

    ``part`` has one bit for each ``rows`` channels of a word.
    """
    return data.StructLayout(
        {
            "valid": config.cols,
            "rows": data.ArrayLayout(row_bits(config), config.cols),
            "part": config.word_channels // config.rows,
            "data": data.ArrayLayout(config.rows * VALUE_BITS, config.cols),
        }
    )


def ring_layout(config: CoreConfig) -> data.StructLayout:
    """A walk over a ring of SMEM rows from ``base`` to ``last``: the current row and the one behind it."""
    return data.StructLayout(dict.fromkeys(("row", "next_row", "base", "last"), row_bits(config)))


def window_layout(config: CoreConfig) -> data.StructLayout:
    """A decoded window: where its pixels lie, for which outputs, and its place in the loops.

    ``ring`` and ``rotation`` locate the tile's first pixels. ``first`` and ``last`` window of the tile;
    ``first_pixels`` and ``last_pixels`` mark the first and last pixel tile of a row tile, ``last_rows`` the
    last row tile of the job.
    """
    c = COORDINATE_BITS
    return data.StructLayout(
        {
            "ring": ring_layout(config),
            "rotation": bank_bits(config),
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

    ``fetch``: new words come with this beat. ``mac``: multiply with slot ``n`` of weight
    buffer ``buffer`` and add to accumulators ``bank``/``depth``, starting from the bias if ``first``.
    ``residual``: store this row's byte of the words as residual; ``part`` is the row tile's place in it.
    ``maximum`` with ``residual``: unless ``first``, store it only if it is larger than what is there.
    """
    return data.StructLayout(
        {
            "fetch": 1,
            "mac": 1,
            "residual": 1,
            "maximum": 1,
            "first": 1,
            "n": max(1, ceil_log2(config.m)),
            "buffer": 1,
            "bank": 1,
            "depth": ceil_log2(config.tile_depth),
            "slot": ceil_log2(CHANNEL_SLOTS),
            "part": max(1, ceil_log2(config.word_channels // config.rows)),
        }
    )


def weight_bus_layout(config: CoreConfig) -> data.StructLayout:
    """Weights of ``load_rows`` rows for slot ``n`` of buffer ``buffer``, handed on from row to row.

    ``data`` holds for every lane its weight below its group index, lane 0 of the first row lowest.
    """
    return data.StructLayout(
        {
            "valid": 1,
            "buffer": 1,
            "n": max(1, ceil_log2(config.m)),
            "group": max(1, ceil_log2(config.load_beats)),
            "data": config.load_rows * config.lanes * config.slot_bits,
        }
    )


def channel_bus_layout(config: CoreConfig) -> data.StructLayout:
    """Parameters of ``load_rows`` output channels, handed on from row to row."""
    return data.StructLayout(
        {
            "valid": 1,
            "slot": ceil_log2(CHANNEL_SLOTS),
            "group": max(1, ceil_log2(config.load_beats)),
            "data": data.ArrayLayout(CHANNEL_LAYOUT, config.load_rows),
        }
    )


def tile_layout() -> data.StructLayout:
    """A tile whose sums are complete: accumulators ``bank``, channel parameters ``slot``, and its place.

    ``last_pixels`` marks the last tile of a row tile, ``last_rows`` one of the last row tile.
    """
    return data.StructLayout({"bank": 1, "slot": ceil_log2(CHANNEL_SLOTS), "last_pixels": 1, "last_rows": 1})


def drain_layout(config: CoreConfig) -> data.StructLayout:
    """Read accumulators ``bank``/``depth`` of the columns from ``col`` on; they end a row tile or the job."""
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
