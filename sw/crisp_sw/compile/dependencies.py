"""Tokens from what commands read and write: the order that the engines must keep, and no more.

Every memory is an array of cells. A command names the cells it reads and writes; the tracker finds the last
command of each other engine that it must not overtake. Since engines work in order, one token for the
latest of those is enough, and none if an earlier command of the same engine has already waited for it.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from crisp_spec.commands import ENGINES, FORMATS, Command, Memory, Opcode

ENGINE_NAMES = ("load", "execute", "store")

Cells = dict[str, np.ndarray]
"""Memory -> indices of its cells."""


@dataclass
class Entry:
    """A command without tokens, and those of other engines that it must wait for: engine -> numbers."""

    opcode: Opcode
    fields: dict[str, int]
    after: dict[str, set[int]]


@dataclass
class Tracker:
    """Collects commands in program order.

    Parameters
    ----------
    sizes : cells of each memory.
    """

    sizes: dict[str, int]
    entries: list[Entry] = field(default_factory=list)
    _written: dict[str, np.ndarray] = field(default_factory=dict)
    _read: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)

    def __post_init__(self):
        for memory, size in self.sizes.items():
            self._written[memory] = np.full(size, -1)
            self._read |= {(memory, engine): np.full(size, -1) for engine in ENGINE_NAMES}

    def add(self, opcode: Opcode, fields: Mapping[str, int], *, reads: Cells, writes: Cells) -> int:
        """Append a command; return its number."""
        engine, number = ENGINES[opcode], len(self.entries)
        after: dict[str, set[int]] = defaultdict(set)
        for memory, cells in (*reads.items(), *writes.items()):
            for writer in np.unique(self._written[memory][cells]).tolist():
                if writer >= 0:
                    self._wait(after, engine, writer)
        for memory, cells in writes.items():
            for other in ENGINE_NAMES:
                for reader in np.unique(self._read[memory, other][cells]).tolist():
                    if reader >= 0:
                        self._wait(after, engine, reader)
        for memory, cells in reads.items():
            self._read[memory, engine][cells] = number
        for memory, cells in writes.items():
            # Whoever writes has waited for all readers before, so the next one need not.
            self._written[memory][cells] = number
            for other in ENGINE_NAMES:
                self._read[memory, other][cells] = -1
        self.entries.append(Entry(opcode, dict(fields), after))
        return number

    def _wait(self, after: dict[str, set[int]], engine: str, number: int) -> None:
        other = ENGINES[self.entries[number].opcode]
        if other != engine:
            after[other].add(number)


def hoist_loads(entries: list[Entry], *, parameters: int, tensors: int) -> tuple[list[Entry], list[int]]:
    """Move every load before some executes that do not concern it.

    Loads are worked off in order, and so are commands dispatched: what is to be loaded early must stand early
    in the program, and before loads that have to wait. Loads of parameters stay in order among themselves, as
    do those of tensors, and both behind whatever they wait for.

    Parameters
    ----------
    parameters, tensors : number of executes that loads of parameters and of tensors pass at most.

    Returns
    -------
    the entries in their new order, and for every old number the new one.
    """
    distances = {True: tensors, False: parameters}
    floors = {True: 0, False: 0}
    executes: list[int] = []
    keys: list[tuple[int, int, int]] = []
    for number, entry in enumerate(entries):
        engine = ENGINES[entry.opcode]
        if engine != "load":
            if engine == "execute":
                executes.append(number)
            keys.append((number, 1, number))
            continue
        kind = entry.fields["memory"] == Memory.SMEM
        distance = distances[kind]
        limit = number if distance == 0 else executes[-distance] if distance <= len(executes) else 0
        behind = max((other + 1 for others in entry.after.values() for other in others), default=0)
        floors[kind] = min(number, max(floors[kind], limit, behind))
        keys.append((floors[kind], 0, number))
    order = sorted(range(len(entries)), key=keys.__getitem__)
    place = [0] * len(entries)
    for new, old in enumerate(order):
        place[old] = new
    return [_moved(entries[old], place) for old in order], place


def _moved(entry: Entry, place: list[int]) -> Entry:
    after = {engine: {place[number] for number in numbers} for engine, numbers in entry.after.items()}
    return Entry(entry.opcode, entry.fields, after)


def with_tokens(entries: list[Entry]) -> list[Command]:
    """Commands with the flags that keep the order.

    Raises
    ------
    ValueError : a store depends on a load directly, for which there are no tokens.
    """
    flags: list[dict[str, int]] = [{} for _ in entries]
    waited: dict[tuple[str, str], int] = defaultdict(lambda: -1)
    for number, entry in enumerate(entries):
        engine = ENGINES[entry.opcode]
        for other, numbers in entry.after.items():
            latest = max(numbers)
            if latest <= waited[other, engine]:
                continue
            waited[other, engine] = latest
            flags[number][f"wait_{other}"] = 1
            flags[latest][f"signal_{engine}"] = 1
    commands = []
    for entry, flag in zip(entries, flags, strict=True):
        names = {field.name for field in FORMATS[entry.opcode]}
        missing = set(flag) - names
        if missing:
            raise ValueError(f"{entry.opcode.name} has no flag {sorted(missing)[0]}")
        commands.append(Command(entry.opcode, {**entry.fields, **flag}))
    return commands
