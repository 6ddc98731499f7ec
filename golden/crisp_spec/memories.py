"""Words of the memories on the chip, as the compiler lays them out and a load fills them.

Every memory but the activation memory is filled in whole beats of the bus. A memory whose word is narrower
than a beat holds several words in one, the first in the lowest bits; a wider word takes several beats.
"""

from dataclasses import dataclass

from crisp_spec.commands import COORDINATE_BITS, POSITION_BITS, Memory
from crisp_spec.config import CoreConfig
from crisp_spec.fields import Field

INDEX_BITS = 15
MULTIPLIER_BITS = 16
SHIFT_BITS = 6


@dataclass(frozen=True)
class Entry:
    """One entry of a table on the chip.

    Parameters
    ----------
    bits : that it takes; those above its fields mean nothing.
    fields : from the lowest bit on, without gaps.
    """

    bits: int
    fields: tuple[Field, ...]

    @property
    def used_bits(self) -> int:
        """Bits of the fields."""
        return sum(field.bits for field in self.fields)


ENTRIES: dict[Memory, Entry] = {
    Memory.BLOCK_INDEX: Entry(
        16,
        (
            Field("index", INDEX_BITS, False, "kept window: tap * channel_blocks + channel block"),
            Field("last", 1, False, "last window of its row tile"),
        ),
    ),
    Memory.TAP: Entry(
        64,
        (
            Field(
                "offset",
                POSITION_BITS,
                False,
                "words from an output pixel to its input pixel, modulo the ring",
            ),
            Field(
                "phase",
                2,
                False,
                "ring that the tap reads: 2 * (parity of y) + parity of x; 0 if there is one ring",
            ),
            Field("y_low", COORDINATE_BITS, False, "first output row whose tap lies in the image"),
            Field("y_high", COORDINATE_BITS, False, "first output row past them"),
            Field("x_low", COORDINATE_BITS, False, "first output column whose tap lies in the image"),
            Field("x_high", COORDINATE_BITS, False, "first output column past them"),
        ),
    ),
    Memory.CHANNEL: Entry(
        64,
        (
            Field("bias", 32, True, "initial value of the accumulator"),
            Field("multiplier", MULTIPLIER_BITS, False, "requantization multiplier"),
            Field("shift", SHIFT_BITS, False, "requantization right shift minus one"),
        ),
    ),
    Memory.RESIDUAL_CHANNEL: Entry(
        32,
        (
            Field("res_multiplier", MULTIPLIER_BITS, False, "residual multiplier"),
            Field("res_shift", 4, False, "residual left shift"),
        ),
    ),
}
"""Tables whose words are made of fields: an entry is a kept window, a tap, or an output channel.

The output rows of a tap count from the first of the job.
"""


def stored_index_bits(config: CoreConfig) -> int:
    """Bits that a group index takes in memory: 1, 2 or 4 for M = 2, 4 or 8; 0 for M = 1."""
    return {1: 0, 2: 1, 4: 2, 8: 4}[config.m]


def word_bits(config: CoreConfig, memory: Memory) -> int:
    """Bits of one word of a memory; all are powers of two, but 0 for the group indices of M = 1.

    A weight or group-index word holds lane 0 of the first of ``load_rows`` rows lowest; a channel word holds
    the parameters of ``load_rows`` output channels.
    """
    slots = config.load_rows * config.lanes
    return {
        Memory.SMEM: config.word_bits,
        Memory.WEIGHT: 8 * slots,
        Memory.GROUP_INDEX: stored_index_bits(config) * slots,
        Memory.BLOCK_INDEX: ENTRIES[Memory.BLOCK_INDEX].bits,
        Memory.TAP: ENTRIES[Memory.TAP].bits,
        Memory.CHANNEL: ENTRIES[Memory.CHANNEL].bits * config.load_rows,
        Memory.RESIDUAL_CHANNEL: ENTRIES[Memory.RESIDUAL_CHANNEL].bits * config.load_rows,
    }[memory]


def memory_words(config: CoreConfig, memory: Memory) -> int:
    """Words of a memory."""
    return {
        Memory.SMEM: config.smem_words,
        Memory.WEIGHT: config.weight_words,
        Memory.GROUP_INDEX: config.weight_words,
        Memory.BLOCK_INDEX: config.index_words,
        Memory.TAP: config.tap_words,
        Memory.CHANNEL: config.channel_words // config.load_rows,
        Memory.RESIDUAL_CHANNEL: config.channel_words // config.load_rows,
    }[memory]


def memory_beats(config: CoreConfig, memory: Memory) -> int:
    """Beats of the bus that fill a memory; addresses beyond wrap round."""
    return memory_words(config, memory) * word_bits(config, memory) // config.bus_bits
