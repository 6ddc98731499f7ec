"""Places of a group's tensors in the activation memory."""

from dataclasses import dataclass

from crisp_golden.pack.placement import TensorPlace
from crisp_spec.config import CoreConfig
from crisp_sw.compile.bands import Schedule
from crisp_sw.compile.graph import Stage
from crisp_sw.compile.layout import Copy, Layout


class DoesNotFit(Exception):
    """A group's tensors exceed the activation memory.

    Attributes
    ----------
    needed : SMEM rows that they take; available : those there are.
    """

    def __init__(self, needed: int, available: int):
        self.needed, self.available = needed, available
        super().__init__(f"{needed} rows of the activation memory are needed, {available} are there")


@dataclass(frozen=True)
class Resident:
    """A tensor that stays in memory between two groups, whole and plain."""

    tensor: str
    place: TensorPlace


def allocate(
    config: CoreConfig, schedule: Schedule, layout: Layout, *, resident: Resident | None = None
) -> dict[Copy, TensorPlace]:
    """Place every copy of a group's tensors.

    A residual whose rows nobody needs after the addition gives its place to the sum. A resident output takes
    the end of the memory that the resident input leaves free.

    Raises
    ------
    DoesNotFit : the memory is too small for this schedule.
    """
    group = schedule.group
    rings = _ring_sizes(config, schedule, layout)
    alias = _in_place(schedule, layout, rings)
    tensors = group.graph.tensors
    sizes = {
        copy: ring * (4 if copy.phased else 1) * tensors[copy.tensor].planes(config)
        for copy, ring in rings.items()
    }
    low, high = 0, config.bank_depth
    bases: dict[Copy, int] = {}
    if resident:
        copy, place = Copy(resident.tensor, False), resident.place
        bases[copy] = place.base
        if place.base == 0:
            low = place.end
        else:
            high = place.base
    needed = sum(size for copy, size in sizes.items() if copy not in bases and copy not in alias)
    if needed > high - low:
        raise DoesNotFit(needed + config.bank_depth - (high - low), config.bank_depth)
    outgoing = [Copy(group.staying.name, False)] if group.staying else []
    for copy in outgoing:
        if copy not in alias and copy not in bases:
            if resident and resident.place.base == 0:
                high -= sizes[copy]
                bases[copy] = high
            else:
                bases[copy] = low
                low += sizes[copy]
    for copy in _by_use(schedule, sizes):
        if copy not in bases and copy not in alias:
            bases[copy] = low
            low += sizes[copy]
    for copy in alias:
        target = copy
        while target in alias:
            target = alias[target]
        bases[copy] = bases[target]
    return {
        copy: TensorPlace(
            base=bases[copy],
            planes=tensors[copy.tensor].planes(config),
            ring=ring,
            pitch=layout.pitch[copy],
            phased=copy.phased,
        )
        for copy, ring in rings.items()
    }


def _by_use(schedule: Schedule, sizes: dict[Copy, int]) -> list[Copy]:
    """What is loaded first, then what stays inside, then what is stored.

    So a group's inputs lie far from what the group before still has to store, and need not wait for that.
    """
    loaded = {tensor.name for tensor in schedule.group.loaded()}
    stored = {tensor.name for tensor in schedule.group.stored()}
    return sorted(sizes, key=lambda copy: (copy.tensor in stored) - (copy.tensor in loaded))


def _ring_sizes(config: CoreConfig, schedule: Schedule, layout: Layout) -> dict[Copy, int]:
    """SMEM rows of one ring of every copy."""
    rows, tensors = schedule.ring_rows, schedule.group.graph.tensors
    rings: dict[Copy, int] = {}
    for copy, pitch in layout.pitch.items():
        height = tensors[copy.tensor].height
        count = min(rows[copy.tensor], height)
        if copy.phased:
            count = min(count // 2 + 1, -(-height // 2))
        rings[copy] = max(1, -(-count * pitch // config.cols))
    tallest: dict[Stage, int] = {}
    for stage, first, last in schedule.computed():
        tallest[stage] = max(tallest.get(stage, 0), last - first)
    for stage, rows_at_once in tallest.items():
        _widen(config, stage, layout, rows_at_once, rings)
    return rings


def _widen(config: CoreConfig, stage: Stage, layout: Layout, rows: int, rings: dict[Copy, int]) -> None:
    """Make the rings that a step uses long enough for its tiles to wrap at most once."""
    # The column groups of a tile grow with the band, up to the depth of the accumulators.
    pixels = rows * layout.grid_pitch(stage)
    depth = min(config.tile_depth, -(-pixels // config.cols))
    for copy in (layout.input(stage), layout.output(stage), layout.residual(stage)):
        if copy:
            rings[copy] = max(rings[copy], depth)


def _in_place(schedule: Schedule, layout: Layout, rings: dict[Copy, int]) -> dict[Copy, Copy]:
    """Sums that take the place of their residual, both being in memory whole."""
    group = schedule.group
    alias: dict[Copy, Copy] = {}
    for stage in group.stages:
        residual, output = layout.residual(stage), layout.output(stage)
        if residual is None or residual.phased != output.phased or rings[residual] != rings[output]:
            continue
        tensor = group.graph.tensors[residual.tensor]
        same = layout.pitch[residual] == layout.pitch[output] and tensor.channels == stage.work.out_channels
        whole = rings[residual] * group.graph.config.cols >= tensor.height * layout.pitch[residual]
        stays = tensor.producer >= group.first and tensor.last_use >= group.last
        if same and whole and not stays and _is_free(schedule, stage):
            alias[output] = residual
    return alias


def _is_free(schedule: Schedule, stage: Stage) -> bool:
    """Whether nobody reads a row of a stage's residual behind the sum that would replace it."""
    assert stage.residual is not None
    group = schedule.group
    tensor = group.graph.tensors[stage.residual]
    others = [s for s in group.local_readers(tensor) + group.local_adders(tensor) if s is not stage]
    made = dict.fromkeys((s.name for s in group.stages), 0)
    for computed, _, last in schedule.computed():
        if computed is stage and any(_next_row(s, tensor.name, made[s.name]) < last for s in others):
            return False
        made[computed.name] = last
    return True


def _next_row(stage: Stage, tensor: str, done: int) -> int:
    """The first row of ``tensor`` that a stage with ``done`` rows still reads."""
    if done >= stage.out_size[0]:
        return stage.height + done
    rows = [stage.input_rows(done, done + 1)[0]] if stage.x == tensor else []
    return min([*rows, done] if stage.residual == tensor else rows)
