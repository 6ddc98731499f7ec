"""Commands and parameters of a program, from groups whose tensors have their places."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from crisp_golden.machine.program_image import TensorInfo
from crisp_golden.pack.jobs import Bases, job_fields
from crisp_golden.pack.parameters import layer_parameters, tap_words
from crisp_golden.pack.placement import TensorPlace
from crisp_spec.commands import ALIGNMENT, Command, Memory, Opcode
from crisp_spec.config import CoreConfig
from crisp_spec.memories import memory_words, word_bits
from crisp_sw.compile.bands import Action, Event, Group, Schedule
from crisp_sw.compile.dependencies import Cells, Tracker, hoist_loads, with_tokens
from crisp_sw.compile.graph import Stage
from crisp_sw.compile.layout import Copy, Layout
from crisp_sw.compile.parameter_cache import COMPANIONS, ParameterCache
from crisp_sw.compile.steps import Step, steps_of

PROGRAM, INPUT_SEGMENT, OUTPUT_SEGMENT, SCRATCH = range(4)
EXTERNAL_CELL = 64
"""Bytes of scratch memory that dependencies are tracked for as one."""


@dataclass(frozen=True)
class PlannedGroup:
    """A group with all that is decided about it."""

    schedule: Schedule
    layout: Layout
    places: dict[Copy, TensorPlace]

    @property
    def group(self) -> Group:
        """The group."""
        return self.schedule.group


@dataclass
class Emitter:
    """Writes the program of one network.

    Parameters
    ----------
    tensors : where loaded and stored tensors are in external memory.
    scratch : bytes of the scratch segment.
    """

    config: CoreConfig
    tensors: dict[str, TensorInfo]
    scratch: int
    spans: list[tuple[str, int, int]] = field(default_factory=list)
    _blobs: dict[tuple, tuple[int, bytes]] = field(default_factory=dict)
    _length: int = 0
    _layers: dict[tuple, dict[Memory, bytes]] = field(default_factory=dict)

    def __post_init__(self):
        config = self.config
        self.caches = {
            memory: ParameterCache(config, memory)
            for memory in (Memory.WEIGHT, Memory.BLOCK_INDEX, Memory.CHANNEL, Memory.TAP)
        }
        sizes = {memory.name: memory_words(config, memory) for memory in self.caches}
        sizes |= {"SMEM": config.smem_words, "SCRATCH": -(-self.scratch // EXTERNAL_CELL) + 1}
        self.tracker = Tracker(sizes)

    def add_group(self, planned: PlannedGroup) -> None:
        """Emit all commands of a group."""
        for event in planned.schedule.events:
            match event.action:
                case Action.LOAD:
                    self._load(planned, event)
                case Action.COMPUTE:
                    self._compute(planned, event)
                case Action.STORE:
                    self._store(planned, event)

    def program(self, *, parameters: int, tensors: int) -> tuple[list[Command], list[tuple[str, int, int]]]:
        """All commands with tokens and END, and the span of every stage's executes.

        Parameters
        ----------
        parameters, tensors : executes that loads are moved ahead of, see ``hoist_loads``.
        """
        entries, place = hoist_loads(self.tracker.entries, parameters=parameters, tensors=tensors)
        commands = [*with_tokens(entries), Command(Opcode.END, {})]
        spans = [(name, place[first], place[last] + 1) for name, first, last in self.spans]
        return commands, spans

    def parameters(self) -> bytes:
        """Everything that loads of parameters read, in the order of their offsets."""
        return b"".join(data for _, data in self._blobs.values())

    def _transfer(self, place: TensorPlace, info: TensorInfo, event: Event) -> dict[str, int]:
        """Fields that loads and stores of tensors share."""
        row = info.width * self.config.word_channels
        return {
            "segment": info.segment,
            "planes": place.planes,
            "offset": info.offset + event.first * row,
            "plane_stride": info.height * row,
            "rows": event.last - event.first,
            "width": info.width,
            "pitch": place.pitch,
            "base": place.base,
            "plane": place.plane,
            "ring": place.ring,
            "start": place.position(event.first // (2 if place.phased else 1), self.config),
        }

    def _external_cells(self, info: TensorInfo, event: Event) -> Cells:
        """Parts of scratch memory that a transfer touches."""
        if info.segment != SCRATCH:
            return {}
        row = info.width * self.config.word_channels
        planes = info.offset + np.arange(info.planes(self.config)) * info.height * row
        first, last = planes + event.first * row, planes + event.last * row - 1
        cells = [
            np.arange(a // EXTERNAL_CELL, b // EXTERNAL_CELL + 1) for a, b in zip(first, last, strict=True)
        ]
        return {"SCRATCH": np.unique(np.concatenate(cells))}

    def _load(self, planned: PlannedGroup, event: Event) -> None:
        info = self.tensors[event.tensor]
        for copy, place in planned.places.items():
            if copy.tensor != event.tensor:
                continue
            fields = {
                "memory": Memory.SMEM,
                "phased": int(copy.phased),
                "odd_row": event.first % 2 if copy.phased else 0,
                **self._transfer(place, info, event),
            }
            written = {"SMEM": place.cells(event.first, event.last, self.config)}
            self.tracker.add(Opcode.LOAD, fields, reads=self._external_cells(info, event), writes=written)

    def _store(self, planned: PlannedGroup, event: Event) -> None:
        info, place = self.tensors[event.tensor], planned.places[Copy(event.tensor, False)]
        fields = self._transfer(place, info, event)
        read = {"SMEM": place.cells(event.first, event.last, self.config)}
        self.tracker.add(Opcode.STORE, fields, reads=read, writes=self._external_cells(info, event))

    def _compute(self, planned: PlannedGroup, event: Event) -> None:
        stage = self._stage(planned, event)
        steps = steps_of(self.config, stage, planned.layout, planned.places, event.first, event.last)
        numbers = [self._step(step) for step in steps]
        self.spans.append((stage.name, numbers[0], numbers[-1]))

    def _stage(self, planned: PlannedGroup, event: Event) -> Stage:
        graph = planned.group.graph
        return graph.stages[graph.tensors[event.tensor].producer]

    def _step(self, step: Step) -> int:
        """Load what is not there yet, and execute; return the number of the execute."""
        config, band, work = self.config, step.band, step.stage.work
        reads: Cells = {}
        images = self._images(step)
        bases = {}
        for memory in (Memory.WEIGHT, Memory.BLOCK_INDEX, Memory.CHANNEL):
            bases[memory] = self._parameters(memory, (step.stage.number, step.tiles), images, reads)
        x = step.tensors.x
        taps = {Memory.TAP: tap_words(config, band, x.ring, phased=x.phased)}
        bases[Memory.TAP] = self._parameters(Memory.TAP, (taps[Memory.TAP],), taps, reads)
        fields = job_fields(
            config,
            work,
            band,
            step.tiles,
            step.tensors,
            Bases(
                weight=bases[Memory.WEIGHT],
                index=bases[Memory.BLOCK_INDEX],
                channel=bases[Memory.CHANNEL],
                tap=bases[Memory.TAP],
            ),
        )
        low, high = band.input_rows()
        if x.phased:
            low, high = low // 2 * 2, -(-high // 2) * 2
        cells = [x.cells(low, high, config)]
        if step.tensors.residual:
            cells.append(step.tensors.residual.cells(band.first_row, band.last_row, config))
        reads["SMEM"] = np.concatenate(cells)
        writes = {"SMEM": step.tensors.y.cells(band.first_row, band.last_row, config)}
        return self.tracker.add(Opcode.EXECUTE, fields, reads=reads, writes=writes)

    def _images(self, step: Step) -> dict[Memory, bytes]:
        key = step.stage.number, step.tiles
        if key not in self._layers:
            self._layers[key] = layer_parameters(self.config, step.stage.work, *step.tiles)
        return self._layers[key]

    def _parameters(
        self, memory: Memory, key: tuple[Any, ...], images: dict[Memory, bytes], reads: Cells
    ) -> int:
        """Make sure that a memory and its companion hold a job's part; return its first word."""
        if memory not in images:
            return 0
        config, cache = self.config, self.caches[memory]
        words = len(images[memory]) * 8 // word_bits(config, memory)
        first, absent = cache.place(key, words)
        cells = {memory.name: cache.cells(first, words)}
        if absent:
            filled = [memory, COMPANIONS[memory]] if memory in COMPANIONS else [memory]
            for part in filled:
                if part in images:
                    self._fill(part, (part, *key), first, images[part], cells)
        reads |= cells
        return first

    def _fill(self, memory: Memory, key: tuple, first: int, data: bytes, cells: Cells) -> None:
        if key not in self._blobs:
            self._blobs[key] = self._length, data
            self._length += len(data)
        beat = self.config.bus_bits // 8
        fields = {
            "memory": memory,
            "segment": PROGRAM,
            "offset": self._blobs[key][0],
            "address": first * word_bits(self.config, memory) // 8 // beat,
            "beats": len(data) // beat,
        }
        assert len(data) % ALIGNMENT == 0
        self.tracker.add(Opcode.LOAD, fields, reads={}, writes=cells)
