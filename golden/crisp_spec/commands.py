"""Command formats of the accelerator: one declaration for compiler, simulator, hardware, C header and docs.

A program is a sequence of 64-byte commands. The dispatcher reads them in order and hands each to one of
three engines: *load* (memory to chip), *execute* (the compute core) and *store* (chip to memory). Every
engine works through its commands in order; between the engines *tokens* keep the order: a command with a
``wait`` flag starts when it can take a token that an earlier command with the matching ``signal`` flag has
put down at its end. In program order every wait must find its token, so that a program can never lock up.

Sizes and places in the activation memory (SMEM) are in *rows* of ``cols`` words where a value must be a
multiple of ``cols``, and in words otherwise. A word holds ``word_channels`` channels of one pixel, and a
tensor consists of planes, one for each so many channels. A plane holds one *ring* of words, or four (see
``phased``); pixel (y, x) lies at position ``(y * pitch + x) mod ring``. Rings hold the rows that are in use;
a tensor that is there as a whole has a ring as long as itself. External memory is seen through *segments*,
whose places are in registers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from crisp_spec.errors import LayerError
from crisp_spec.fields import WORD_BITS, Field, word_offsets

COMMAND_BYTES = 64
COMMAND_BITS = 8 * COMMAND_BYTES
ALIGNMENT = 32
"""Parts of a program in external memory begin at multiples of this many bytes, the widest beat of the bus."""

SEGMENTS = 4
"""Segments of external memory that commands can name."""

COORDINATE_BITS = 10
POSITION_BITS = 20
ROW_BITS = 16
ROW_TILE_BITS = 12

TOKEN_LIMIT = 255
"""Most tokens that may lie between two engines."""


class Opcode(IntEnum):
    """What a command does. Zero is illegal, so that empty memory is no program."""

    LOAD = 1
    EXECUTE = 2
    STORE = 3
    LOAD_SYNC = 4
    EXECUTE_SYNC = 5
    STORE_SYNC = 6
    END = 7


class Memory(IntEnum):
    """Memory on the chip that a load fills."""

    SMEM = 0
    WEIGHT = 1
    GROUP_INDEX = 2
    BLOCK_INDEX = 3
    TAP = 4
    CHANNEL = 5
    RESIDUAL_CHANNEL = 6


def _flag(name: str, doc: str) -> Field:
    return Field(name, 1, False, doc)


OPCODE = Field("opcode", 4, False, "what the command does")

_LOAD_TOKENS = (
    _flag("wait_execute", "take a token of the execute engine before starting"),
    _flag("wait_store", "take a token of the store engine before starting"),
    _flag("signal_execute", "put down a token for the execute engine at the end"),
)
_STORE_TOKENS = (
    _flag("wait_execute", "take a token of the execute engine before starting"),
    _flag("signal_execute", "put down a token for the execute engine at the end"),
    _flag("signal_load", "put down a token for the load engine at the end"),
)
_EXECUTE_TOKENS = (
    _flag("wait_load", "take a token of the load engine before starting"),
    _flag("wait_store", "take a token of the store engine before starting"),
    _flag("signal_load", "put down a token for the load engine at the end"),
    _flag("signal_store", "put down a token for the store engine at the end"),
)

# Load and store share the fields that describe the tensor on both sides.
_TRANSFER = (
    Field("segment", 2, False, "segment of external memory"),
    Field("planes", ROW_TILE_BITS, False, "planes to transfer"),
    Field("offset", 32, False, "bytes from the start of the segment"),
    Field("plane_stride", 32, False, "bytes in external memory from one plane to the next"),
    Field("rows", COORDINATE_BITS, False, "image rows to transfer; they are contiguous in external memory"),
    Field("width", COORDINATE_BITS, False, "pixels in an image row"),
    Field("pitch", COORDINATE_BITS, False, "words from one image row to the next in SMEM"),
    Field("base", ROW_BITS, False, "SMEM row where plane 0 begins"),
    Field("plane", ROW_BITS, False, "SMEM rows from one plane to the next"),
    Field("ring", ROW_BITS, False, "SMEM rows of one ring"),
    Field("start", POSITION_BITS, False, "position of the first pixel in its ring, below ring * cols"),
)

LOAD = (
    OPCODE,
    *_LOAD_TOKENS,
    Field("memory", 3, False, "memory to fill"),
    _flag("phased", "split pixels by the parities of y and x into four rings, ring 2 * (y % 2) + x % 2"),
    _flag("odd_row", "the first row of a phased load has odd parity"),
    *_TRANSFER,
    Field("address", POSITION_BITS, False, "first beat to write, for memories other than SMEM"),
    Field("beats", POSITION_BITS, False, "beats of the bus to write, for memories other than SMEM"),
)

STORE = (OPCODE, *_STORE_TOKENS, *_TRANSFER)

JOB_FIELDS = (
    Field("n", 4, False, "non-zeros per group, 1 to M"),
    _flag("max_pool", "1: maximum over the windows instead of the sum of products"),
    _flag("residual", "1: add the residual tensor"),
    _flag("dense", "1: N = M without group indices; slot n belongs to channel n of its group"),
    _flag("uniform", "1: every window has the weights of the first"),
    _flag("out_phased", "split output pixels by the parities of y and x into four rings"),
    _flag("out_odd_row", "the first output row has odd parity"),
    Field("row_tiles", ROW_TILE_BITS, False, "tiles of `rows` output channels"),
    Field("pixel_tiles", 16, False, "tiles of column groups"),
    Field("channel_blocks", 12, False, "windows per tap: ceil(C / word_channels)"),
    Field("depth_full", 7, False, "column groups in every pixel tile but the last"),
    Field("depth_last", 7, False, "column groups in the last pixel tile"),
    Field("out_part", 8, False, "the first row tile's place in its output word, in units of `rows`"),
    Field("load_beats", 10, False, "weight words per window: n * rows / load_rows"),
    Field("slot_full", 12, False, "cycles per window in every pixel tile but the last"),
    Field("slot_last", 12, False, "cycles per window in the last pixel tile"),
    Field("x_zero_point", 8, True, "value that padded positions read"),
    Field("pitch", COORDINATE_BITS, False, "words from one row of the pixel grid to the next"),
    Field("step_x", COORDINATE_BITS, False, "cols mod pitch"),
    Field("step_y", COORDINATE_BITS, False, "cols div pitch"),
    Field("out_width", COORDINATE_BITS, False, "output pixels per row"),
    Field("out_height", COORDINATE_BITS, False, "output rows"),
    Field(
        "out_pitch", COORDINATE_BITS, False, "words from one row of a phase to the next; only if out_phased"
    ),
    Field("y_zero_point", 8, True, "zero point of the output"),
    Field("q_min", 8, True, "lower clamp"),
    Field("q_max", 8, True, "upper clamp"),
    Field("res_zero_point", 8, True, "zero point of the residual"),
    Field("act_base", ROW_BITS, False, "SMEM row where the input begins"),
    Field("act_plane", ROW_BITS, False, "SMEM rows per plane of the input"),
    Field("out_base", ROW_BITS, False, "SMEM row where the output begins"),
    Field("out_plane", ROW_BITS, False, "SMEM rows per plane of the output"),
    Field("res_base", ROW_BITS, False, "SMEM row where the residual begins"),
    Field("res_plane", ROW_BITS, False, "SMEM rows per plane of the residual"),
    Field("act_ring", ROW_BITS, False, "SMEM rows of one ring of the input"),
    Field("out_ring", ROW_BITS, False, "SMEM rows of one ring of the output"),
    Field("res_ring", ROW_BITS, False, "SMEM rows of one ring of the residual"),
    Field("tap_base", 16, False, "first entry of the tap table"),
    Field("act_start", POSITION_BITS, False, "position of the first output pixel in the input's ring"),
    Field("channel_base", 12, False, "first word of the channel memories"),
    Field("out_start", POSITION_BITS, False, "position of the first output pixel in the output's ring"),
    Field("res_start", POSITION_BITS, False, "position of the first output pixel in the residual's ring"),
    Field("weight_base", 16, False, "first word of the weight memory"),
    Field("index_base", 16, False, "first entry of the block-index memory"),
)
"""What the core has to know of a job: one run of the core, which an EXECUTE command starts."""

EXECUTE = (OPCODE, *_EXECUTE_TOKENS, *JOB_FIELDS)

FORMATS: dict[Opcode, tuple[Field, ...]] = {
    Opcode.LOAD: LOAD,
    Opcode.EXECUTE: EXECUTE,
    Opcode.STORE: STORE,
    Opcode.LOAD_SYNC: (OPCODE, *_LOAD_TOKENS),
    Opcode.EXECUTE_SYNC: (OPCODE, *_EXECUTE_TOKENS),
    Opcode.STORE_SYNC: (OPCODE, *_STORE_TOKENS),
    Opcode.END: (OPCODE,),
}
"""Fields of every command in bit order; see ``word_offsets``. All other bits are zero."""

ENGINES: dict[Opcode, str] = {
    Opcode.LOAD: "load",
    Opcode.LOAD_SYNC: "load",
    Opcode.EXECUTE: "execute",
    Opcode.EXECUTE_SYNC: "execute",
    Opcode.STORE: "store",
    Opcode.STORE_SYNC: "store",
}

_USED = {
    opcode: sum(
        ((1 << field.bits) - 1) << offset
        for field, offset in zip(fields, word_offsets(fields).values(), strict=True)
    )
    for opcode, fields in FORMATS.items()
}


@dataclass(frozen=True)
class Command:
    """One command: its opcode and the values of its other fields by name; flags not given are 0."""

    opcode: Opcode
    fields: Mapping[str, int]

    def __getitem__(self, name: str) -> int:
        return self.fields.get(name, 0)

    @property
    def engine(self) -> str:
        """Name of the engine that executes it; empty for END."""
        return ENGINES.get(self.opcode, "")

    def encode(self) -> bytes:
        """The 64 bytes of the command, little-endian.

        Raises
        ------
        LayerError : a value does not fit, or the format has no field of that name.
        """
        declared = FORMATS[self.opcode]
        unknown = set(self.fields) - {field.name for field in declared[1:]}
        if unknown:
            raise LayerError(f"{self.opcode.name} has no field `{sorted(unknown)[0]}`")
        offsets = word_offsets(declared)
        word = sum(
            field.encode(self.opcode if field is OPCODE else self[field.name]) << offsets[field.name]
            for field in declared
        )
        return word.to_bytes(COMMAND_BYTES, "little")


def decode_command(data: bytes) -> Command | None:
    """Inverse of ``Command.encode``; None if the opcode is illegal or a bit outside the fields is set."""
    word = int.from_bytes(data, "little")
    code = OPCODE.decode(word)
    if code not in Opcode._value2member_map_ or word & ~_USED[Opcode(code)]:
        return None
    declared = FORMATS[Opcode(code)]
    offsets = word_offsets(declared)
    fields = {field.name: field.decode(word >> offsets[field.name]) for field in declared[1:]}
    return Command(Opcode(code), fields)


assert all(max(word_offsets(fields).values()) < COMMAND_BITS for fields in FORMATS.values())
assert COMMAND_BITS % WORD_BITS == 0
