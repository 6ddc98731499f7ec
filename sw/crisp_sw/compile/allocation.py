"""Places of a group's tensors in the activation memory."""

from dataclasses import dataclass

from crisp_golden.config import CoreConfig
from crisp_golden.geometry import Band
from crisp_golden.packing import least_ring
from crisp_golden.placement import TensorPlace
from crisp_sw.compile.bands import Action, Group, events, ring_rows
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


def stage_band(stage: Stage, layout: Layout, first: int, last: int) -> Band:
    """The band of output rows ``first`` to ``last - 1`` of a stage that does not compute by phase."""
    return Band(
        window=stage.work.window,
        height=stage.height,
        width=stage.width,
        first_row=first,
        last_row=last,
        pitch=layout.grid_pitch(stage),
    )


def allocate(
    config: CoreConfig,
    group: Group,
    layout: Layout,
    bands: int,
    *,
    prefetch: bool,
    resident: Resident | None = None,
) -> dict[Copy, TensorPlace]:
    """Place every copy of the group's tensors.

    A residual whose rows nobody needs after the addition gives its place to the sum. A resident output takes
    the end of the memory that the resident input leaves free.

    Raises
    ------
    DoesNotFit : the memory is too small for this number of bands.
    """
    rings = _ring_sizes(config, group, layout, bands, prefetch=prefetch)
    alias = _in_place(group, layout, rings, bands, prefetch=prefetch)
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
    outgoing = [Copy(t.name, False) for t in group.outputs] if group.resident_out else []
    for copy in outgoing:
        if copy not in alias and copy not in bases:
            if resident and resident.place.base == 0:
                high -= sizes[copy]
                bases[copy] = high
            else:
                bases[copy] = low
                low += sizes[copy]
    for copy, size in sizes.items():
        if copy not in bases and copy not in alias:
            bases[copy] = low
            low += size
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


def _ring_sizes(
    config: CoreConfig, group: Group, layout: Layout, bands: int, *, prefetch: bool
) -> dict[Copy, int]:
    """SMEM rows of one ring of every copy."""
    rows = ring_rows(group, bands, prefetch=prefetch)
    rings: dict[Copy, int] = {}
    for copy, pitch in layout.pitch.items():
        height = group.graph.tensors[copy.tensor].height
        count = min(rows[copy.tensor], height)
        if copy.phased:
            count = min(count // 2 + 1, -(-height // 2))
        rings[copy] = max(1, -(-count * pitch // config.cols))
    for band in events(group, bands, prefetch=prefetch):
        for event in band:
            if event.action is Action.COMPUTE:
                stage = group.graph.stages[group.graph.tensors[event.tensor].producer]
                _widen(config, stage, layout, event.first, event.last, rings)
    return rings


def _widen(
    config: CoreConfig, stage: Stage, layout: Layout, first: int, last: int, rings: dict[Copy, int]
) -> None:
    """Make the rings that a step uses long enough for its tiles to wrap at most once."""
    if stage.name in layout.by_phase:
        first, last = first // 2, -(-last // 2)
    band = stage_band(stage, layout, first, last)
    for copy in (layout.input(stage), layout.output(stage), layout.residual(stage)):
        if copy:
            rings[copy] = max(rings[copy], least_ring(config, band, 0))


def _in_place(
    group: Group, layout: Layout, rings: dict[Copy, int], bands: int, *, prefetch: bool
) -> dict[Copy, Copy]:
    """Sums that take the place of their residual, both being in memory whole."""
    alias: dict[Copy, Copy] = {}
    for stage in group.stages:
        residual, output = layout.residual(stage), layout.output(stage)
        if residual is None or residual.phased != output.phased or rings[residual] != rings[output]:
            continue
        tensor = group.graph.tensors[residual.tensor]
        same = layout.pitch[residual] == layout.pitch[output] and tensor.channels == stage.work.out_channels
        whole = rings[residual] * group.graph.config.cols >= tensor.height * layout.pitch[residual]
        stays = tensor.producer >= group.first and tensor.last_use >= group.last
        if same and whole and not stays and _is_free(group, stage, bands, prefetch=prefetch):
            alias[output] = residual
    return alias


def _is_free(group: Group, stage: Stage, bands: int, *, prefetch: bool) -> bool:
    """Whether nobody reads a row of a stage's residual behind the sum that would replace it."""
    assert stage.residual is not None
    tensor = group.graph.tensors[stage.residual]
    others = [s for s in group.local_readers(tensor) + group.local_adders(tensor) if s is not stage]
    made = dict.fromkeys((s.name for s in group.stages), 0)
    for band in events(group, bands, prefetch=prefetch):
        for event in band:
            if event.action is not Action.COMPUTE:
                continue
            if event.tensor == stage.name and any(
                _next_row(other, tensor.name, made[other.name]) < event.last for other in others
            ):
                return False
            made[event.tensor] = event.last
    return True


def _next_row(stage: Stage, tensor: str, done: int) -> int:
    """The first row of ``tensor`` that a stage with ``done`` rows still reads."""
    if done >= stage.out_size[0]:
        return stage.height + done
    rows = [stage.input_rows(done, done + 1)[0]] if stage.x == tensor else []
    return min([*rows, done] if stage.residual == tensor else rows)
