"""How full the memories on the chip are while a program runs, by the cycle model.

A row of the activation memory counts as taken from the first to the last command that uses the buffer it
belongs to; a word of the weight memory from its load to the last job that multiplies with it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crisp_files.json_values import figure
from crisp_golden.cycles.timeline import Timeline
from crisp_golden.machine.chip import Chip
from crisp_golden.machine.core_model import window_counts
from crisp_golden.machine.transfers import memory_runs
from crisp_spec.commands import Command, Memory, Opcode
from crisp_spec.config import CoreConfig
from crisp_spec.memories import memory_words, word_bits

POINTS = 240
"""Parts of a run that are told apart; of each, the fullest moment counts."""

Span = tuple[int, int]
Buffer = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class MemoryUse:
    """How full a memory is.

    Attributes
    ----------
    capacity : bytes.
    used : bytes at the fullest moment of each of equally long parts of the run.
    """

    capacity: int
    used: tuple[int, ...]

    @figure
    def peak(self) -> int:
        """Bytes at the fullest moment of all."""
        return max(self.used, default=0)


def memory_use(
    config: CoreConfig, commands: Sequence[Command], contents: bytes, timeline: Timeline
) -> dict[str, MemoryUse]:
    """Use of the ``activation`` and the ``weight`` memory over a run.

    Parameters
    ----------
    commands, contents : as those that ``timeline`` was made from.
    """
    rows = Residence(config.smem_words // config.cols)
    words = Residence(memory_words(config, Memory.WEIGHT))
    chip, data = Chip(config), np.frombuffer(contents, np.uint8)
    for number, command in enumerate(commands[: len(timeline.times)]):
        times = timeline.times[number]
        span = max(0, times.start), max(0, times.end)
        if command.opcode is Opcode.LOAD and command["memory"] == Memory.BLOCK_INDEX:
            # The lists of kept windows say how many weights a job reads.
            offset, length = memory_runs(config, command)[0]
            chip.fill(Memory.BLOCK_INDEX, command["address"], data[offset : offset + length])
        for buffer, cells in _buffers(config, command):
            rows.touch(cells, buffer, span)
        for written, cells in _weights(config, chip, command):
            words.touch(cells, number if written else None, span)
    row_bytes = config.cols * config.word_bits // 8
    word_bytes = word_bits(config, Memory.WEIGHT) // 8
    return {
        "activation": MemoryUse(
            capacity=rows.size * row_bytes, used=_scaled(rows.occupancy(timeline.total), row_bytes)
        ),
        "weight": MemoryUse(
            capacity=words.size * word_bytes, used=_scaled(words.occupancy(timeline.total), word_bytes)
        ),
    }


class Residence:
    """When each cell of a memory belongs to which owner."""

    def __init__(self, size: int):
        self.size = size
        self._owner = np.full(size, -1)
        self._since, self._until = np.zeros(size, np.int64), np.zeros(size, np.int64)
        self._owners: dict[Any, int] = {}
        self._finished: list[np.ndarray] = []

    def touch(self, cells: np.ndarray, owner: Any, span: Span) -> None:
        """Cells are used during ``span``, by the same owner as before if it is None."""
        cells = np.unique(cells % self.size)
        if owner is not None:
            number = self._owners.setdefault(owner, len(self._owners))
            changed = cells[self._owner[cells] != number]
            # Engines overlap: what is taken over is no longer the owner's before.
            self._until[changed] = np.minimum(self._until[changed], span[0])
            self._finish(changed)
            self._owner[changed] = number
            self._since[changed], self._until[changed] = span[0], span[0]
        self._until[cells] = np.maximum(self._until[cells], span[1])

    def _finish(self, cells: np.ndarray) -> None:
        owned = cells[self._owner[cells] >= 0]
        self._finished.append(np.stack([self._since[owned], self._until[owned]]))

    def occupancy(self, total: int) -> np.ndarray:
        """int[POINTS], most cells that are owned at once in each part of a run of ``total`` cycles."""
        self._finish(np.arange(self.size))
        since, until = np.concatenate(self._finished, axis=1)
        if not len(since):
            return np.zeros(POINTS, np.int64)
        times, place = np.unique(np.concatenate([since, until]), return_inverse=True)
        change = np.zeros(len(times), np.int64)
        np.add.at(change, place[: len(since)], 1)
        np.add.at(change, place[len(since) :], -1)
        level = np.cumsum(change)
        part = np.minimum(times * POINTS // max(1, total), POINTS - 1)
        most = np.zeros(POINTS, np.int64)
        np.maximum.at(most, part, level)
        # What was there at the end of a part is there at the beginning of the next.
        last = np.searchsorted(part, np.arange(1, POINTS)) - 1
        most[1:] = np.maximum(most[1:], np.where(last >= 0, level[np.maximum(last, 0)], 0))
        return most


def _scaled(cells: np.ndarray, size: int) -> tuple[int, ...]:
    return tuple((cells * size).tolist())


def _buffers(config: CoreConfig, command: Command) -> Iterable[tuple[Buffer, np.ndarray]]:
    """Buffers of the activation memory that a command uses, and their rows."""
    match command.opcode:
        case Opcode.LOAD if command["memory"] == Memory.SMEM:
            yield _buffer(command["base"], command["planes"], command["plane"], command["ring"])
        case Opcode.STORE:
            yield _buffer(command["base"], command["planes"], command["plane"], command["ring"])
        case Opcode.EXECUTE:
            channels = (command["out_part"] + command["row_tiles"]) * config.rows
            planes = -(-channels // config.word_channels)
            yield _buffer(
                command["act_base"], command["channel_blocks"], command["act_plane"], command["act_ring"]
            )
            yield _buffer(command["out_base"], planes, command["out_plane"], command["out_ring"])
            if command["residual"]:
                yield _buffer(command["res_base"], planes, command["res_plane"], command["res_ring"])


def _buffer(base: int, planes: int, plane: int, ring: int) -> tuple[Buffer, np.ndarray]:
    """What tells a buffer from others, and its rows; a phased one has four rings in each plane."""
    return (base, plane, ring), base + np.arange(planes * max(plane, ring))


def _weights(config: CoreConfig, chip: Chip, command: Command) -> Iterable[tuple[bool, np.ndarray]]:
    """Words of the weight memory that a command writes (True) or reads (False)."""
    if command.opcode is Opcode.LOAD and command["memory"] == Memory.WEIGHT:
        bits = word_bits(config, Memory.WEIGHT)
        first = command["address"] * config.bus_bits // bits
        yield True, first + np.arange(command["beats"] * config.bus_bits // bits)
    if command.opcode is Opcode.EXECUTE and not command["max_pool"]:
        windows = 1 if command["uniform"] else int(window_counts(chip, command.fields).sum())
        yield False, command["weight_base"] + np.arange(windows * command["load_beats"])
