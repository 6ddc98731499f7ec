"""Which stages are fused into groups, in how many bands, and what stays on the chip between groups."""

from collections.abc import Iterator
from dataclasses import dataclass

from crisp_golden.pack.placement import TensorPlace
from crisp_spec.config import CoreConfig
from crisp_spec.errors import CapacityError
from crisp_sw.compile.allocation import DoesNotFit, Resident, allocate
from crisp_sw.compile.bands import Group, Schedule
from crisp_sw.compile.emission import PlannedGroup
from crisp_sw.compile.estimate import Cost, Estimator
from crisp_sw.compile.graph import Graph, Tensor
from crisp_sw.compile.layout import Copy, Layout, LayoutError, find_layout

LONGEST_GROUP = 24
"""Stages that are considered for fusion at most; more need more memory than any preset has."""

WHOLE = None
"""State of a cut: everything that crosses it goes through external memory."""

State = tuple[int, int | None]
"""(cut, SMEM row where the one tensor that crosses it stays, or WHOLE)."""


@dataclass(frozen=True)
class Choice:
    """The best way to reach a state."""

    cycles: int
    before: State | None
    planned: PlannedGroup | None
    cost: Cost | None

    @property
    def rank(self) -> tuple[int, int]:
        """Lower is better: cycles, then how long the last group is, for fusing must gain something."""
        return self.cycles, -self.before[0] if self.before else 0


def partition(graph: Graph, *, fuse: bool = True) -> list[tuple[PlannedGroup, Cost]]:
    """Cut the network into groups with the least estimated cycles.

    Parameters
    ----------
    fuse : False makes a group of every stage, and everything passes through external memory.

    Raises
    ------
    CapacityError : a stage does not fit; the message names it and gives the numbers.
    """
    return _Search(graph, fuse=fuse).run()


class _Search:
    """Shortest path over the cuts of the network."""

    def __init__(self, graph: Graph, *, fuse: bool):
        self.graph, self.config, self.fuse = graph, graph.config, fuse
        self.estimator = Estimator(graph.config)

    def run(self) -> list[tuple[PlannedGroup, Cost]]:
        stages = len(self.graph.stages)
        every = list(range(stages + 1))
        few = [cut for cut in every if cut in (0, stages) or len(self.graph.crossing(cut)) <= 2]
        for cuts in [every] if not self.fuse else [few, every]:
            path = self._shortest(cuts)
            if path is not None:
                return path
        raise self._refusal()

    def _refusal(self) -> CapacityError:
        """Name the first stage that does not fit even alone; if all did, they would make a path."""
        for stage in self.graph.stages:
            group = Group(self.graph, stage.number, stage.number + 1)
            row_by_row = Schedule(group, stage.out_size[0], prefetch=False)
            try:
                allocate(self.config, row_by_row, find_layout(group))
            except DoesNotFit as failure:
                return CapacityError(
                    f"{stage.name}: even one output row at a time needs {failure.needed} rows of the "
                    f"activation memory, which has {failure.available}"
                )
        raise AssertionError("every stage fits alone, but no path was found")

    def _shortest(self, cuts: list[int]) -> list[tuple[PlannedGroup, Cost]] | None:
        stages = len(self.graph.stages)
        best: dict[State, Choice] = {(0, WHOLE): Choice(0, None, None, None)}
        for cut in cuts[:-1]:
            for state in [s for s in best if s[0] == cut]:
                for end in cuts:
                    if end <= cut or end - cut > (LONGEST_GROUP if self.fuse else 1):
                        continue
                    for after, planned, cost in self._groups(state, end):
                        cycles = best[state].cycles + cost.cycles
                        choice = Choice(cycles, state, planned, cost)
                        if after not in best or choice.rank < best[after].rank:
                            best[after] = choice
        state: State | None = (stages, WHOLE)
        if state not in best:
            return None
        path = []
        while state is not None:
            choice = best[state]
            if choice.planned is not None and choice.cost is not None:
                path.append((choice.planned, choice.cost))
            state = choice.before
        return path[::-1]

    def _groups(self, state: State, end: int) -> Iterator[tuple[State, PlannedGroup, Cost]]:
        """Groups from a state to a cut: with what crosses it in external memory, or on the chip."""
        cut, base = state
        for stay in (False, True):
            crossing = self.graph.crossing(end)
            if stay and (not self.fuse or end == len(self.graph.stages) or len(crossing) != 1):
                continue
            if stay and crossing[0].producer < cut:
                continue
            group = Group(self.graph, cut, end, base is not WHOLE, stay)
            for planned in self._plans(group, base):
                cost = self.estimator.group(planned.schedule, planned.layout)
                place = planned.places[Copy(crossing[0].name, False)] if stay else None
                yield (end, place.base if place else WHOLE), planned, cost

    def _plans(self, group: Group, base: int | None) -> Iterator[PlannedGroup]:
        """The fewest bands with which the group fits, with and without loading a band ahead."""
        try:
            layout = find_layout(group)
        except LayoutError:
            return
        resident = None
        if base is not None:
            (tensor,) = group.inputs
            if tensor.last_use >= group.last:
                # It was not stored, so whoever reads it must be in this group.
                return
            resident = Resident(tensor.name, whole_place(self.config, tensor, base))
        staying = [*(group.inputs if resident else []), *([group.staying] if group.staying else [])]
        if not all(_stays_plain(layout, tensor) for tensor in staying):
            return
        counts = _band_counts(max(tensor.height for tensor in group.outputs))
        for prefetch in (True, False):
            planned = self._fewest_bands(group, layout, resident, counts, prefetch=prefetch)
            if planned:
                yield planned

    def _fewest_bands(
        self, group: Group, layout: Layout, resident: Resident | None, counts: list[int], *, prefetch: bool
    ) -> PlannedGroup | None:
        """The first of the ascending band counts with which the group fits: more bands need less memory."""
        found = None
        low, high = 0, len(counts) - 1
        while low <= high:
            middle = (low + high) // 2
            schedule = Schedule(group, counts[middle], prefetch)
            try:
                places = allocate(self.config, schedule, layout, resident=resident)
            except DoesNotFit:
                low = middle + 1
                continue
            found, high = PlannedGroup(schedule, layout, places), middle - 1
        return found


def _stays_plain(layout: Layout, tensor: Tensor) -> bool:
    """Whether a group has a tensor plain, without gaps between its rows, and in no other layout."""
    return (
        layout.pitch.get(Copy(tensor.name, False)) == tensor.width
        and Copy(tensor.name, True) not in layout.pitch
    )


def whole_place(config: CoreConfig, tensor: Tensor, base: int) -> TensorPlace:
    """Place of a tensor that is in memory whole and plain."""
    ring = max(1, -(-tensor.height * tensor.width // config.cols))
    return TensorPlace(base=base, planes=tensor.planes(config), ring=ring, pitch=tensor.width)


def _band_counts(height: int) -> list[int]:
    """Numbers of bands that change the height of a band, ascending."""
    return sorted({-(-height // rows) for rows in range(1, height + 1)})
