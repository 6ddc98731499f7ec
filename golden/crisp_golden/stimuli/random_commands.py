"""Programs that no compiler would write: noise, random fields, legal commands without sense, flipped bits."""

from collections.abc import Callable
from random import Random

from crisp_spec.commands import COMMAND_BITS, COMMAND_BYTES, FORMATS, Command, Memory, Opcode
from crisp_spec.config import CoreConfig
from crisp_spec.latencies import DECODE_INTERVAL
from crisp_spec.legality import Range, checks, violation

KINDS = ("noise", "fields", "legal", "flips")
LONGEST = 6
"""Commands before END."""

READ_SEGMENTS, WRITE_SEGMENT = (0, 1), 2
SPACE = 1 << 12
"""Bytes of a segment in which most transfers of legal commands lie."""

_WORK = (Opcode.LOAD, Opcode.EXECUTE, Opcode.STORE)
_SYNC = (Opcode.LOAD_SYNC, Opcode.EXECUTE_SYNC, Opcode.STORE_SYNC)


def random_words(rng: Random, config: CoreConfig, kind: str) -> list[bytes]:
    """The commands of a program of one of the ``KINDS``; three of four have an END."""
    make: dict[str, Callable[[], bytes]] = {
        "noise": lambda: rng.randbytes(COMMAND_BYTES),
        "fields": lambda: _any_fields(rng, config).encode(),
        "legal": lambda: legal_command(rng, config).encode(),
        "flips": lambda: legal_command(rng, config).encode(),
    }
    words = [make[kind]() for _ in range(rng.randint(1, LONGEST))]
    if kind == "flips":
        place = rng.randrange(len(words))
        words[place] = _flipped(rng, words[place])
    return [*words, Command(Opcode.END, {}).encode()] if rng.random() < 0.75 else words


def _flipped(rng: Random, word: bytes) -> bytes:
    """The command with one to three bits changed."""
    value = int.from_bytes(word, "little")
    for _ in range(rng.randint(1, 3)):
        value ^= 1 << rng.randrange(COMMAND_BITS)
    return value.to_bytes(COMMAND_BYTES, "little")


def _any_fields(rng: Random, config: CoreConfig) -> Command:
    """A command that can be decoded; its fields are small, at their limits, or anything."""
    opcode = rng.choice([*_WORK, *_WORK, *Opcode])
    ranges = {
        check.field: (check.low, check.high) for check in checks(config, opcode) if isinstance(check, Range)
    }
    values = {}
    for field in FORMATS[opcode][1:]:
        low, high = field.limits
        inside = [min(max(limit, low), high) for limit in ranges.get(field.name, (low, high))]
        choice = rng.random()
        if choice < 0.4:
            values[field.name] = min(high, inside[0] + rng.randrange(4))
        elif choice < 0.7:
            values[field.name] = rng.randint(*sorted(inside))
        elif choice < 0.85:
            values[field.name] = rng.choice([*inside, low, high])
        else:
            values[field.name] = rng.randint(low, high)
    return Command(opcode, values)


def legal_command(rng: Random, config: CoreConfig) -> Command:
    """A command that the checks accept, with random tokens; whether it makes sense is another matter."""
    opcode = rng.choice([*_WORK, *_WORK, *_SYNC])
    values = {
        Opcode.LOAD: _load,
        Opcode.STORE: _store,
        Opcode.EXECUTE: _execute,
    }.get(opcode, lambda *_: {})(rng, config)
    for field in FORMATS[opcode][1:]:
        if field.name.startswith(("wait_", "signal_")):
            values[field.name] = int(rng.random() < (0.06 if field.name.startswith("wait_") else 0.3))
    command = Command(opcode, values)
    assert violation(config, command) is None, violation(config, command)
    return command


def _load(rng: Random, config: CoreConfig) -> dict[str, int]:
    values = {"segment": _segment(rng, READ_SEGMENTS), "offset": _offset(rng, config)}
    if rng.random() < 0.5:
        memory = rng.choice([memory for memory in Memory if memory is not Memory.SMEM])
        return values | {"memory": int(memory), "beats": rng.randint(1, 16), "address": rng.randrange(4096)}
    return values | _tensor(rng, config) | {"phased": rng.randrange(2), "odd_row": rng.randrange(2)}


def _store(rng: Random, config: CoreConfig) -> dict[str, int]:
    segment, offset = _segment(rng, (WRITE_SEGMENT,)), _offset(rng, config)
    return {"segment": segment, "offset": offset} | _tensor(rng, config)


def _segment(rng: Random, permitted: tuple[int, ...]) -> int:
    return rng.choice(permitted) if rng.random() < 0.9 else rng.randrange(4)


def _offset(rng: Random, config: CoreConfig) -> int:
    """Aligned and inside the segment, but for some."""
    step, place = config.bus_bits // 8, rng.random()
    if place < 0.9:
        return rng.randrange(0, SPACE, step)
    return rng.randrange(1 << 32) if place < 0.95 else rng.randrange(0, 8 * SPACE, step)


def _tensor(rng: Random, config: CoreConfig) -> dict[str, int]:
    width, ring = rng.randint(1, 8), rng.randint(4, 16)
    return {
        "planes": rng.randint(1, 3),
        "rows": rng.randint(1, 4),
        "width": width,
        "pitch": min(width + rng.randint(0, 2), ring * config.cols),
        "base": rng.randrange(config.bank_depth),
        "plane": rng.randrange(config.bank_depth),
        "ring": ring,
        "start": rng.randrange(ring * config.cols),
        "plane_stride": config.bus_bits // 8 * rng.randrange(64),
    }


def _execute(rng: Random, config: CoreConfig) -> dict[str, int]:
    dense = rng.randrange(2)
    n = config.m if dense else rng.randint(1, config.m)
    depth, ring, pitch = rng.randint(1, config.tile_depth), rng.randint(4, 32), rng.randint(1, 12)
    slot = max(n * depth, n * config.load_beats, DECODE_INTERVAL) + rng.choice([0, 0, 0, 1, 100])
    values = {
        "n": n,
        "dense": dense,
        "residual": rng.randrange(2),
        "uniform": rng.randrange(2),
        "row_tiles": rng.randint(1, 3),
        "pixel_tiles": rng.randint(1, 3) if rng.random() < 0.9 else rng.randint(1, 65535),
        "channel_blocks": rng.randint(1, 4),
        "depth_full": depth,
        "depth_last": rng.randint(1, depth),
        "slot_full": slot,
        "slot_last": slot,
        "load_beats": n * config.load_beats,
        "pitch": pitch,
        "step_x": config.cols % pitch,
        "step_y": config.cols // pitch,
        "out_width": rng.randint(1, pitch),
        "out_height": rng.randint(1, 12),
        "out_part": rng.randrange(config.word_channels // config.rows),
        "tap_base": rng.randrange(config.tap_words),
        "weight_base": rng.randrange(config.weight_words),
        "index_base": rng.randrange(config.index_words),
        "channel_base": rng.randrange(config.channel_words // config.load_rows),
    }
    for name in ("act", "out", "res"):
        values |= {
            f"{name}_base": rng.randrange(config.bank_depth),
            f"{name}_plane": rng.randrange(config.bank_depth),
            f"{name}_ring": ring,
            f"{name}_start": rng.randrange(ring * config.cols),
        }
    return values
