"""Depth-first execution of a group of stages in bands of rows, and the rows of each tensor that it keeps.

All stages of a group advance together: for each band of the last stage's output rows, every stage computes
just the rows that are newly needed. A tensor inside the group then lives in a ring of a few rows. What is
computed once stays until its last reader is done, so nothing is computed or loaded twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from crisp_sw.compile.graph import Graph, Stage, Tensor


class Action(Enum):
    """What happens to rows of a tensor."""

    LOAD = "load"
    COMPUTE = "compute"
    STORE = "store"


@dataclass(frozen=True)
class Event:
    """Rows ``first`` to ``last - 1`` of a tensor are loaded, computed or stored."""

    action: Action
    tensor: str
    first: int
    last: int


@dataclass(frozen=True)
class Group:
    """Consecutive stages ``first`` to ``last - 1`` that are executed together.

    Attributes
    ----------
    resident_in, resident_out : the one tensor that crosses the border stays in the activation memory.
    """

    graph: Graph
    first: int
    last: int
    resident_in: bool = False
    resident_out: bool = False

    @cached_property
    def stages(self) -> list[Stage]:
        """Stages in order."""
        return self.graph.stages[self.first : self.last]

    @cached_property
    def inputs(self) -> list[Tensor]:
        """Tensors from outside that stages of the group read."""
        names = dict.fromkeys(name for stage in self.stages for name in (stage.x, stage.residual) if name)
        tensors = (self.graph.tensors[name] for name in names)
        return [tensor for tensor in tensors if tensor.producer < self.first]

    @cached_property
    def outputs(self) -> list[Tensor]:
        """Tensors of the group that somebody outside reads or wants, or that are the network's result."""
        graph = self.graph
        made = [graph.tensors[stage.name] for stage in self.stages]
        return [t for t in made if graph.keep or t.last_use >= self.last or t is graph.result]

    def loaded(self) -> list[Tensor]:
        """Inputs that come from external memory."""
        return [] if self.resident_in else self.inputs

    def stored(self) -> list[Tensor]:
        """Outputs that go to external memory."""
        return [tensor for tensor in self.outputs if self.graph.keep or tensor is not self.staying]

    @property
    def staying(self) -> Tensor | None:
        """The output that stays in the activation memory for the next group."""
        return self.graph.crossing(self.last)[0] if self.resident_out else None

    def local_readers(self, tensor: Tensor) -> list[Stage]:
        """Stages of the group that read ``tensor`` as input."""
        return [stage for stage in tensor.readers if self.first <= stage.number < self.last]

    def local_adders(self, tensor: Tensor) -> list[Stage]:
        """Stages of the group that add ``tensor`` as residual."""
        return [stage for stage in tensor.adders if self.first <= stage.number < self.last]


class Progress:
    """How many rows of every tensor of a group are there, computed, or stored."""

    def __init__(self, group: Group):
        self.group = group
        self.made = dict.fromkeys((t.name for t in group.inputs), 0)
        self.made |= dict.fromkeys((stage.name for stage in group.stages), 0)
        self.stored = dict.fromkeys((t.name for t in group.stored()), 0)
        if group.resident_in:
            self.made |= {t.name: t.height for t in group.inputs}

    def needs(self, band: int, bands: int) -> dict[str, int]:
        """Rows of every tensor that must be there when band ``band`` of ``bands`` is done."""
        group = self.group
        need = dict.fromkeys(self.made, 0)
        for tensor in group.outputs:
            need[tensor.name] = -(-tensor.height * (band + 1) // bands)
        for stage in reversed(group.stages):
            rows = need[stage.name]
            if rows:
                need[stage.x] = max(need[stage.x], stage.input_rows(0, rows)[1])
                if stage.residual:
                    need[stage.residual] = max(need[stage.residual], rows)
        return need

    def first_needed(self, tensor: Tensor) -> int:
        """The first row of a tensor that some later event of the group still reads."""
        low = [tensor.height]
        for stage in self.group.local_readers(tensor):
            done = self.made[stage.name]
            if done < stage.out_size[0]:
                low.append(stage.input_rows(done, done + 1)[0])
        low += [self.made[stage.name] for stage in self.group.local_adders(tensor)]
        if tensor.name in self.stored:
            low.append(self.stored[tensor.name])
        return min(low)


@dataclass(frozen=True)
class Schedule:
    """The order of a group's events.

    Parameters
    ----------
    bands : number of bands that the outputs are cut into.
    prefetch : load the rows of the next band before computing this one.
    """

    group: Group
    bands: int
    prefetch: bool

    @cached_property
    def events(self) -> list[Event]:
        """All events in order."""
        group, progress = self.group, Progress(self.group)
        loaded = [tensor.name for tensor in group.loaded()]
        need = progress.needs(0, self.bands)
        result = list(_advance(progress, Action.LOAD, {name: need[name] for name in loaded}))
        for band in range(self.bands):
            ahead = progress.needs(min(band + 1, self.bands - 1), self.bands)
            early = ahead if self.prefetch else need
            result += _advance(progress, Action.LOAD, {name: early[name] for name in loaded})
            for stage in group.stages:
                result += _advance(progress, Action.COMPUTE, {stage.name: need[stage.name]})
                if stage.name in progress.stored:
                    result += _advance(progress, Action.STORE, {stage.name: need[stage.name]})
            need = ahead
        return result

    def computed(self) -> Iterator[tuple[Stage, int, int]]:
        """Yield (stage, first, last) of the rows that are computed, in order."""
        graph = self.group.graph
        for event in self.events:
            if event.action is Action.COMPUTE:
                yield graph.stages[graph.tensors[event.tensor].producer], event.first, event.last

    @cached_property
    def ring_rows(self) -> dict[str, int]:
        """Rows of every tensor of the group that must be kept at the same time.

        With ``prefetch`` a stored tensor keeps the rows of the band before as well, so that storing them need
        not hold up the next band. Tensors that stay in memory are kept whole.
        """
        group, tensors = self.group, self.group.graph.tensors
        progress = Progress(group)
        rows = dict.fromkeys(progress.made, 0)
        whole = {t.name for t in (group.inputs if group.resident_in else [])}
        whole |= {group.staying.name} if group.staying else set()
        behind = dict(progress.stored)
        for event in self.events:
            if event.action is Action.STORE:
                progress.stored[event.tensor] = event.last
                if self.prefetch:
                    behind[event.tensor] = event.first
                continue
            # While rows are being made, everything that is still needed is there, too.
            low = progress.first_needed(tensors[event.tensor])
            if self.prefetch:
                low = min(low, behind.get(event.tensor, low))
            progress.made[event.tensor] = event.last
            rows[event.tensor] = max(rows[event.tensor], event.last - low)
        return {name: tensors[name].height if name in whole else count for name, count in rows.items()}


def _advance(progress: Progress, action: Action, need: dict[str, int]) -> Iterator[Event]:
    rows = progress.stored if action is Action.STORE else progress.made
    for name, last in need.items():
        if last > rows[name]:
            yield Event(action, name, rows[name], last)
            rows[name] = last
