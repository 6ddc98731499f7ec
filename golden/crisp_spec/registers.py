"""Register map of the accelerator: one declaration for hardware, driver, C header and documentation."""

from dataclasses import dataclass
from itertools import chain

from crisp_spec.commands import SEGMENTS
from crisp_spec.cycle_causes import PROGRAM_CAUSES
from crisp_spec.fields import Field, pack_fields

MAGIC = 0x50535243
"""The characters CRSP."""

VERSION = 1

RESERVED = "reserved"
"""Name of a field that is always 0, whatever is written."""


@dataclass(frozen=True)
class Register:
    """One 32-bit register.

    Parameters
    ----------
    access : ``ro`` read only, ``rw`` read and write, ``wo`` a write acts and a read gives 0, ``w1c``
        writing 1 clears the bit.
    fields : from bit 0 on; bits above them and those of a field ``RESERVED`` are always 0.
    """

    name: str
    offset: int
    access: str
    fields: tuple[Field, ...]
    doc: str

    @property
    def mask(self) -> int:
        """The bits that are not always 0."""
        ones = {field.name: field.limits[1] * (field.name != RESERVED) for field in self.fields}
        return pack_fields(self.fields, ones)


def _bit(name: str, doc: str) -> Field:
    return Field(name, 1, False, doc)


def _word(name: str, doc: str) -> tuple[Field, ...]:
    return (Field(name, 32, False, doc),)


_CONTROL = (
    Register("id", 0x00, "ro", _word("id", "0x50535243, the characters CRSP"), "identification"),
    Register("version", 0x04, "ro", _word("version", "of register map and command formats"), "version"),
    Register(
        "control",
        0x08,
        "wo",
        (
            _bit("start", "1: run the program; ignored while busy or resetting"),
            _bit("reset", "1: soft reset; open bus transactions are completed first"),
        ),
        "commands to the accelerator",
    ),
    Register(
        "status",
        0x0C,
        "ro",
        (
            _bit("busy", "a program runs, or the bus is not idle"),
            _bit("done", "the last program reached its end"),
            _bit("resetting", "a soft reset waits for the bus"),
            Field(RESERVED, 5, False, "0"),
            Field("error", 8, False, "error code; 0 for none"),
        ),
        "state",
    ),
    Register(
        "error_index", 0x10, "ro", _word("index", "command that the error code is about"), "error place"
    ),
    Register(
        "interrupt_enable",
        0x14,
        "rw",
        (_bit("done", "at the end of a program"), _bit("error", "when an error has stopped a program")),
        "sources of the interrupt",
    ),
    Register(
        "interrupt_status",
        0x18,
        "w1c",
        (_bit("done", "a program has ended"), _bit("error", "an error has stopped a program")),
        "pending interrupts",
    ),
    Register(
        "watchdog", 0x1C, "rw", _word("cycles", "cycles a program may take; 0 for no limit"), "watchdog"
    ),
    Register(
        "program_offset",
        0x20,
        "rw",
        _word("offset", "bytes from the start of segment 0 to the first command; multiple of 64"),
        "where the program is",
    ),
    Register(
        "program_length", 0x24, "rw", _word("commands", "commands of the program"), "length of the program"
    ),
)

_SHAPE = (
    ("rows", "output channels computed in parallel"),
    ("cols", "output pixels computed in parallel"),
    ("lanes", "M-groups reduced in parallel"),
    ("m", "group size M"),
    ("tile_depth", "column groups with accumulators in the array"),
    ("load_rows", "rows in a weight word"),
    ("drain_cols", "pixels drained per cycle"),
    ("bus_bits", "width of the data bus"),
    ("smem_words", "words of the activation memory"),
    ("weight_words", "words of the weight memory"),
    ("index_words", "entries of the block-index memory"),
    ("channel_words", "output channels whose parameters fit"),
    ("tap_words", "entries of the tap table"),
)

COUNTERS = (
    ("total", "cycles of the program, from start to its end"),
    *PROGRAM_CAUSES.items(),
    ("load_busy", "the load engine works on a command"),
    ("load_wait", "the load engine waits for a token"),
    ("store_busy", "the store engine works on a command"),
    ("store_wait", "the store engine waits for a token"),
    ("read_beats", "beats of data read, commands excepted"),
    ("write_beats", "beats of data written"),
    ("fetch_beats", "beats of commands read"),
)
"""Counters of the last program. Those of ``PROGRAM_CAUSES`` add up to ``total``."""

PAGE_BITS = 12
SEGMENT_ALIGNMENT = 1 << PAGE_BITS
"""Bytes of which the base of every segment is a multiple."""

ADDRESS_BITS = 64
"""Of external memory."""

SEGMENT_OFFSET = 0x40
SEGMENT_BYTES = 0x10
SHAPE_OFFSET = 0x80
COUNTER_OFFSET = 0x100


@dataclass(frozen=True)
class SegmentRegisters:
    """The registers of one segment."""

    base_low: Register
    base_high: Register
    size: Register
    permissions: Register


def _segment(number: int) -> SegmentRegisters:
    def register(part: str, place: int, fields: tuple[Field, ...]) -> Register:
        offset = SEGMENT_OFFSET + SEGMENT_BYTES * number + 4 * place
        return Register(f"segment_{number}_{part}", offset, "rw", fields, f"segment {number}")

    page = f"bits {PAGE_BITS} to 31 of the base; those below are always 0"
    low = Field(RESERVED, PAGE_BITS, False, "0"), Field("page", 32 - PAGE_BITS, False, page)
    high = _word("address", "bits 32 to 63 of the base")
    size = _word("bytes", f"size in bytes; what lies at 2^{ADDRESS_BITS} and beyond belongs to no segment")
    fetched = "" if number else "; commands are fetched from segment 0 in any case"
    permissions = (_bit("read", f"loads may read it{fetched}"), _bit("write", "stores may write it"))
    return SegmentRegisters(
        register("base_low", 0, low),
        register("base_high", 1, high),
        register("size", 2, size),
        register("permissions", 3, permissions),
    )


SEGMENT_REGISTERS = tuple(_segment(number) for number in range(SEGMENTS))
"""The registers of every segment."""

COUNTER_REGISTERS = {
    name: Register(f"count_{name}", COUNTER_OFFSET + 4 * place, "ro", _word(name, doc), doc)
    for place, (name, doc) in enumerate(COUNTERS)
}
"""The register of every counter."""


def reachable_bytes(base: int, size: int) -> int:
    """Bytes of a segment of ``size`` bytes at ``base`` that have an address."""
    return min(size, (1 << ADDRESS_BITS) - base)


def register_map() -> tuple[Register, ...]:
    """All registers in address order."""
    shape = (
        Register(f"shape_{name}", SHAPE_OFFSET + 4 * i, "ro", _word(name, doc), f"configuration: {doc}")
        for i, (name, doc) in enumerate(_SHAPE)
    )
    segments = ((w.base_low, w.base_high, w.size, w.permissions) for w in SEGMENT_REGISTERS)
    return (*_CONTROL, *chain.from_iterable(segments), *shape, *COUNTER_REGISTERS.values())
