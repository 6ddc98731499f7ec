"""What field values a command may have: one list for the simulator and for the hardware's command checker.

A command that is legal ends, whatever the memories hold, and stays within the widths of the hardware's
counters. What the program computes is not checked; addresses on the chip wrap round.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from crisp_spec.commands import EXECUTE, LOAD, STORE, Command, Memory, Opcode
from crisp_spec.config import CoreConfig
from crisp_spec.latencies import DECODE_INTERVAL


@dataclass(frozen=True)
class Condition:
    """A check applies only to commands with ``low <= field <= high``."""

    field: str
    low: int = 1
    high: int = 1

    def __call__(self, values: Mapping[str, int]) -> bool:
        return self.low <= values[self.field] <= self.high


@dataclass(frozen=True)
class Range:
    """``field`` must be from ``low`` to ``high`` if all of ``when`` hold."""

    field: str
    low: int
    high: int
    when: tuple[Condition, ...] = ()

    def violation(self, values: Mapping[str, int]) -> str | None:
        """Say what is wrong with the fields of a command; None if nothing is."""
        value = values[self.field]
        if self.low <= value <= self.high or not all(condition(values) for condition in self.when):
            return None
        return f"`{self.field}` must be from {self.low} to {self.high}, not {value}"


@dataclass(frozen=True)
class Order:
    """``small * small_scale`` must be below ``large * large_scale``, or equal unless ``strict``.

    ``small`` and ``large`` name one field or two, whose product is meant. Scales are powers of two.
    """

    small: tuple[str, ...]
    large: tuple[str, ...]
    small_scale: int = 1
    large_scale: int = 1
    strict: bool = False
    when: tuple[Condition, ...] = ()

    def violation(self, values: Mapping[str, int]) -> str | None:
        """Say what is wrong with the fields of a command; None if nothing is."""
        small = prod(values[name] for name in self.small) * self.small_scale
        large = prod(values[name] for name in self.large) * self.large_scale
        if small + self.strict <= large or not all(condition(values) for condition in self.when):
            return None
        relation = "below" if self.strict else "at most"
        small_text, large_text = _text(self.small, self.small_scale), _text(self.large, self.large_scale)
        return f"`{small_text}` must be {relation} `{large_text}`, not {small} and {large}"


Check = Range | Order


def _text(names: tuple[str, ...], scale: int) -> str:
    return " * ".join((*names, str(scale)) if scale > 1 else names)


_TO_SMEM = (Condition("memory", Memory.SMEM, Memory.SMEM),)
_TO_TABLES = (Condition("memory", Memory.WEIGHT, Memory.RESIDUAL_CHANNEL),)
_RESIDUAL = (Condition("residual"),)
_SUM = (Condition("max_pool", 0, 0),)
_MAXIMUM = (Condition("max_pool"),)
_PHASED_OUTPUT = (Condition("out_phased"),)


def checks(config: CoreConfig, opcode: Opcode) -> tuple[Check, ...]:
    """Every check of commands with ``opcode``, most basic first."""
    if opcode is Opcode.LOAD:
        beats = Range("beats", 1, _largest(LOAD, "beats"), _TO_TABLES)
        return Range("memory", Memory.SMEM, Memory.RESIDUAL_CHANNEL), *_tensor(config, LOAD, _TO_SMEM), beats
    if opcode is Opcode.STORE:
        return _tensor(config, STORE, ())
    if opcode is Opcode.EXECUTE:
        return (*_loops(config), *_output(config), *_places(config))
    return ()


def violation(config: CoreConfig, command: Command) -> str | None:
    """Say why ``command`` is illegal for ``config``, naming the field; None if it is legal."""
    for check in checks(config, command.opcode):
        names = {*_names(check), *(condition.field for condition in check.when)}
        message = check.violation({name: command[name] for name in names})
        if message is not None:
            return message
    return None


def _names(check: Check) -> tuple[str, ...]:
    return (check.field,) if isinstance(check, Range) else (*check.small, *check.large)


def _largest(fields: tuple, name: str) -> int:
    return next(field.limits[1] for field in fields if field.name == name)


def _tensor(config: CoreConfig, fields: tuple, when: tuple[Condition, ...]) -> tuple[Check, ...]:
    """What a transfer demands of its tensor in SMEM."""
    sizes = (Range(name, 1, _largest(fields, name), when) for name in ("planes", "rows", "width", "pitch"))
    return (
        *sizes,
        *_ring(config, "base", "plane", "ring", "start", when),
        Order(("pitch",), ("ring",), large_scale=config.cols, when=when),
    )


def _ring(
    config: CoreConfig, base: str, plane: str, ring: str, start: str, when: tuple[Condition, ...] = ()
) -> tuple[Check, ...]:
    """A place in SMEM: rows that exist, and a position inside the ring."""
    return (
        Range(base, 0, config.bank_depth - 1, when),
        Range(plane, 0, config.bank_depth, when),
        Range(ring, 1, config.bank_depth, when),
        Order((start,), (ring,), large_scale=config.cols, strict=True, when=when),
    )


def _loops(config: CoreConfig) -> tuple[Check, ...]:
    """Loops end, and a window's slot is long enough for its beats, its weights and the decoder."""
    slots = (
        check
        for part in ("full", "last")
        for check in (
            Range(f"depth_{part}", 1, config.tile_depth),
            Range(f"slot_{part}", DECODE_INTERVAL, _largest(EXECUTE, f"slot_{part}")),
            Order(("n", f"depth_{part}"), (f"slot_{part}",)),
            Order(("load_beats",), (f"slot_{part}",), when=_SUM),
        )
    )
    return (
        Range("n", 1, config.m),
        Range("n", config.m, config.m, (Condition("dense"),)),
        Range("n", 1, 1, _MAXIMUM),
        *(Range(name, 1, _largest(EXECUTE, name)) for name in ("row_tiles", "pixel_tiles", "channel_blocks")),
        *slots,
        Range("load_beats", 0, config.m * config.load_beats),
        Order(("n",), ("load_beats",), small_scale=config.load_beats, when=_SUM),
        Order(("load_beats",), ("n",), large_scale=config.load_beats, when=_SUM),
    )


def _output(config: CoreConfig) -> tuple[Check, ...]:
    """The pixel grid and the first output channel's place in its word."""
    sizes = ("pitch", "out_width", "out_height")
    return (
        *(Range(name, 1, _largest(EXECUTE, name)) for name in sizes),
        Order(("out_width",), ("pitch",)),
        Range("out_pitch", 1, _largest(EXECUTE, "out_pitch"), _PHASED_OUTPUT),
        Order(("out_pitch",), ("out_ring",), large_scale=config.cols, when=_PHASED_OUTPUT),
        Range("out_part", 0, config.word_channels // config.rows - 1),
    )


def _places(config: CoreConfig) -> tuple[Check, ...]:
    """Tensors and tables begin inside their memories."""
    return (
        *_ring(config, "act_base", "act_plane", "act_ring", "act_start"),
        *_ring(config, "out_base", "out_plane", "out_ring", "out_start"),
        *_ring(config, "res_base", "res_plane", "res_ring", "res_start", _RESIDUAL),
        Range("tap_base", 0, config.tap_words - 1),
        Range("channel_base", 0, config.channel_words // config.load_rows - 1),
        Range("weight_base", 0, config.weight_words - 1),
        Range("index_base", 0, config.index_words - 1),
    )
