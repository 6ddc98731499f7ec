"""Layouts of a group's tensors in the activation memory: pitch, and whether pixels are split by parity.

A layer with stride 2 reads a phased tensor. A pointwise layer does not care: it can compute phase by phase,
and its output is then phased as well. Everything else reads and makes plain tensors, but the writer can
split the pixels of any output. Tensors that leave the group are plain.
"""

from dataclasses import dataclass, field

from crisp_sw.compile.bands import Group
from crisp_sw.compile.graph import Stage


class LayoutError(Exception):
    """A group's tensors have no common layout; the group must be cut."""


@dataclass(frozen=True, order=True)
class Copy:
    """A tensor in one layout. External tensors may be loaded in both."""

    tensor: str
    phased: bool


@dataclass
class Layout:
    """How the tensors of a group lie in memory.

    Attributes
    ----------
    by_phase : names of the stages that compute phase by phase.
    phased : names of the stages whose output is phased.
    pitch : words from row to row of each copy's rings.
    """

    by_phase: set[str] = field(default_factory=set)
    phased: set[str] = field(default_factory=set)
    pitch: dict[Copy, int] = field(default_factory=dict)

    def output(self, stage: Stage) -> Copy:
        """The copy that a stage writes."""
        return Copy(stage.name, stage.name in self.phased)

    def input(self, stage: Stage) -> Copy:
        """The copy that a stage reads."""
        return Copy(stage.x, stage.work.kernel.stride == 2 or stage.name in self.by_phase)

    def residual(self, stage: Stage) -> Copy | None:
        """The copy that a stage adds: it lies as the pixel grid does."""
        return None if stage.residual is None else Copy(stage.residual, stage.name in self.by_phase)

    def grid_pitch(self, stage: Stage) -> int:
        """Pitch of a stage's pixel grid: that of its input."""
        return self.pitch[self.input(stage)]


def find_layout(group: Group) -> Layout:
    """Choose the layouts of a group's tensors.

    Raises ------ LayoutError : a tensor that the group makes would have to be both phased and plain, or a
    phased one leaves.
    """
    layout = Layout()
    strided = {stage.x for stage in group.stages if stage.work.kernel.stride == 2}
    for stage in reversed(group.stages):
        readers = group.local_readers(group.graph.tensors[stage.name])
        if stage.name in strided or any(reader.name in layout.by_phase for reader in readers):
            layout.phased.add(stage.name)
            # The input is phased already, or may become so because it is made or loaded in this group.
            if stage.pointwise and (
                stage.x in strided or group.first <= group.graph.tensors[stage.x].producer
            ):
                layout.by_phase.add(stage.name)
    _drop_impossible(group, layout, strided)
    _check(group, layout)
    _set_pitches(group, layout)
    return layout


def _drop_impossible(group: Group, layout: Layout, strided: set[str]) -> None:
    """Compute in the plain grid what reads a tensor that is plain for the sake of another reader."""
    changed = True
    while changed:
        changed = False
        for stage in group.stages:
            tensor = group.graph.tensors[stage.name]
            readers = group.local_readers(tensor)
            wanted = stage.name in strided or any(reader.name in layout.by_phase for reader in readers)
            plain = any(not layout.input(reader).phased for reader in readers)
            if stage.name in layout.phased and (not wanted or (plain and stage.name not in strided)):
                layout.phased.discard(stage.name)
                layout.by_phase.discard(stage.name)
                layout.by_phase -= {reader.name for reader in readers}
                changed = True
        made = {stage.name for stage in group.stages}
        for stage in group.stages:
            if stage.name in layout.by_phase and stage.x in made and stage.x not in layout.phased:
                layout.by_phase.discard(stage.name)
                changed = True


def _check(group: Group, layout: Layout) -> None:
    """Every copy that is read is made or loaded, and phased ones stay inside."""
    made = {stage.name: layout.output(stage) for stage in group.stages}
    outside = {tensor.name for tensor in group.outputs}
    for name in layout.phased & outside:
        raise LayoutError(f"{name} is phased, and leaves the group")
    for stage in group.stages:
        for copy in (layout.input(stage), layout.residual(stage)):
            if copy and copy.tensor in made and made[copy.tensor] != copy:
                raise LayoutError(f"{stage.name} reads {copy.tensor} in another layout than others")


def _set_pitches(group: Group, layout: Layout) -> None:
    """Copies that share a pixel grid share a pitch, wide enough for all of them."""
    leader: dict[Copy, Copy] = {}

    def find(copy: Copy) -> Copy:
        while leader.setdefault(copy, copy) != copy:
            copy = leader[copy]
        return copy

    least: dict[Copy, int] = {}

    def demand(copy: Copy, width: int) -> None:
        least[copy] = max(least.get(copy, 1), width)

    for stage in group.stages:
        grid, output = layout.input(stage), layout.output(stage)
        residual = layout.residual(stage)
        by_phase = stage.name in layout.by_phase
        width = -(-stage.width // 2) if by_phase else stage.work.kernel.grid_width(stage.width)
        demand(grid, width)
        demand(output, -(-stage.out_size[1] // 2) if output.phased else stage.out_size[1])
        if output.phased == by_phase:
            leader[find(output)] = find(grid)
        if residual:
            demand(residual, -(-stage.out_size[1] // 2) if by_phase else stage.out_size[1])
            leader[find(residual)] = find(grid)
    widest: dict[Copy, int] = {}
    for copy, width in least.items():
        widest[find(copy)] = max(widest.get(find(copy), 1), width)
    layout.pitch = {copy: widest[find(copy)] for copy in least}
