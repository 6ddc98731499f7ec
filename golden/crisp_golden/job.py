"""Job descriptor and memory words of the core: one declaration for packing, hardware and documentation.

A *job* is one convolution, or the part of it that fits the core's memories. It consists of the job registers
declared here and of the images of the block-index, tap, weight, channel and activation memories.
"""

from dataclasses import dataclass

from crisp_golden.config import CoreConfig
from crisp_golden.errors import LayerError

COORDINATE_BITS = 10
INDEX_BITS = 15
ROW_TILE_BITS = 12
MAX_ROW_TILES = (1 << ROW_TILE_BITS) - 1
MULTIPLIER_BITS = 16
SHIFT_BITS = 6
RESIDUAL_SHIFT_BITS = 4
BIAS_BITS = 32


@dataclass(frozen=True)
class Field:
    """One field of a register file or memory word. ``bits`` wide; ``signed`` as two's complement."""

    name: str
    bits: int
    signed: bool
    doc: str

    def encode(self, value: int) -> int:
        """Return ``value`` as an unsigned bit pattern; LayerError if it does not fit."""
        low, high = (-(1 << self.bits - 1), 1 << self.bits - 1) if self.signed else (0, 1 << self.bits)
        if not low <= value < high:
            raise LayerError(f"`{self.name}` must be from {low} to {high - 1}, not {value}")
        return value & ((1 << self.bits) - 1)


def _bits(count: int) -> int:
    """Bits that address ``count`` words."""
    return max(1, (count - 1).bit_length())


def job_fields(config: CoreConfig) -> tuple[Field, ...]:
    """Registers of a job in address order."""
    address, depth = _bits(config.smem_words), config.tile_depth.bit_length()
    c = COORDINATE_BITS
    return (
        Field("n", 4, False, "non-zeros per group, 1 to M"),
        Field("row_tiles", ROW_TILE_BITS, False, "tiles of `rows` output channels"),
        Field("pixel_tiles", 16, False, "tiles of column groups"),
        Field("depth_full", depth, False, "column groups in every pixel tile but the last"),
        Field("depth_last", depth, False, "column groups in the last pixel tile"),
        Field("slot_full", 12, False, "cycles per window in every pixel tile but the last"),
        Field("slot_last", 12, False, "cycles per window in the last pixel tile"),
        Field("load_beats", 10, False, "weight words per window"),
        Field("channel_blocks", 12, False, "windows per tap: ceil(C / window)"),
        Field("act_base", address, False, "SMEM word of the input's first pixel"),
        Field("act_plane", address, False, "SMEM words per window of input channels"),
        Field("x_zero_point", 8, True, "value that padded positions read"),
        Field("pitch", c, False, "pixels from one row of the pixel grid to the next"),
        Field("step_x", c, False, "cols mod pitch"),
        Field("step_y", c, False, "cols div pitch"),
        Field("out_width", c, False, "output pixels per row"),
        Field("out_height", c, False, "output rows"),
        Field("out_base", address, False, "SMEM word of the output's first pixel"),
        Field("out_plane", address, False, "SMEM words per window of output channels"),
        Field("out_pitch", c, False, "SMEM words from one output row to the next"),
        Field("out_part", 8, False, "the first row tile's place in its output window, in units of `rows`"),
        Field("y_zero_point", 8, True, "zero point of the output"),
        Field("q_min", 8, True, "lower clamp"),
        Field("q_max", 8, True, "upper clamp"),
        Field("residual", 1, False, "1: add the residual tensor"),
        Field("res_base", address, False, "SMEM word of the residual's first pixel"),
        Field("res_plane", address, False, "SMEM words per window of residual channels"),
        Field("res_zero_point", 8, True, "zero point of the residual"),
    )


def tap_fields(config: CoreConfig) -> tuple[Field, ...]:
    """Word of the tap table: where a tap's pixels lie and for which outputs they exist."""
    c = COORDINATE_BITS
    return (
        Field("offset", _bits(config.smem_words), False, "SMEM words from output to input pixel, mod 2^n"),
        Field("y_low", c, False, "first output row whose tap lies in the image"),
        Field("y_high", c, False, "first output row past them"),
        Field("x_low", c, False, "first output column whose tap lies in the image"),
        Field("x_high", c, False, "first output column past them"),
    )


INDEX_FIELDS = (
    Field("index", INDEX_BITS, False, "kept window: tap * channel_blocks + channel block"),
    Field("last", 1, False, "last window of its row tile"),
)

CHANNEL_FIELDS = (
    Field("bias", BIAS_BITS, True, "initial value of the accumulator"),
    Field("multiplier", MULTIPLIER_BITS, False, "requantization multiplier"),
    Field("shift", SHIFT_BITS, False, "requantization right shift minus one"),
    Field("res_multiplier", MULTIPLIER_BITS, False, "residual multiplier"),
    Field("res_shift", RESIDUAL_SHIFT_BITS, False, "residual left shift"),
)

CHANNEL_BITS = sum(field.bits for field in CHANNEL_FIELDS)


def channel_word_bits(config: CoreConfig) -> int:
    """Bits of one channel-memory word: the parameters of ``load_rows`` output channels."""
    return config.load_rows * CHANNEL_BITS


def pack_fields(fields: tuple[Field, ...], values: dict[str, int]) -> int:
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


class HostSpace:
    """Memories that the host port of the core writes; the port's ``host_space``."""

    SMEM = 0
    WEIGHT = 1
    INDEX = 2
    TAP = 3
    CHANNEL = 4
    JOB = 5


def host_data_bits(config: CoreConfig) -> int:
    """Width of the host port: the widest memory word, in whole 32-bit words."""
    widest = max(config.window_bits, config.weight_word_bits, channel_word_bits(config))
    return -(-widest // 32) * 32
