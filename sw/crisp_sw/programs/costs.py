"""What a program takes, by the cycle model: cycles and traffic of every stage, every group and the whole."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from crisp_files.json_values import figure
from crisp_golden.cycles.memory_timing import MemoryTiming
from crisp_golden.cycles.program_causes import CAUSES, execute_cycles
from crisp_golden.cycles.timeline import program_timeline
from crisp_golden.machine.program_image import ProgramImage
from crisp_golden.machine.transfers import memory_runs
from crisp_spec.commands import COMMAND_BYTES, Command, Opcode
from crisp_sw.programs.memory_use import MemoryUse, memory_use
from crisp_sw.programs.view import ProgramView


@dataclass(frozen=True, kw_only=True)
class StageCosts:
    """What a part of a program takes.

    Attributes
    ----------
    causes : cycles of the execute engine by cause, from the end of the stage before to this one's end.
    read, written : bytes of external memory, parameters included.
    commands : that work for it.
    """

    causes: Mapping[str, int]
    read: int
    written: int
    commands: int

    @figure
    def cycles(self) -> int:
        """Of all causes."""
        return sum(self.causes.values())

    @property
    def traffic(self) -> int:
        """Bytes of external memory in both directions."""
        return self.read + self.written


@dataclass(frozen=True, kw_only=True)
class GroupCosts(StageCosts):
    """What a group of fused layers takes.

    Attributes
    ----------
    stages : names of its layers.
    bands : of rows, in which they advance together.
    prefetch : whether a band's transfers hide behind the computing of the one before.
    resident_in, resident_out : whether its input was left on the chip by the group before, and its output is
        left there for the next.
    """

    stages: tuple[str, ...]
    bands: int
    prefetch: bool
    resident_in: bool
    resident_out: bool


@dataclass(frozen=True, kw_only=True)
class ProgramCosts:
    """What a whole program takes.

    Attributes
    ----------
    cycles : predicted, from start to end.
    commands : of the program, its end included.
    program_bytes, image_bytes : of the commands, and with all parameters.
    scratch_bytes : of external memory, for what is neither input nor output.
    read, written : bytes of external memory, parameters included.
    causes : cycles of the execute engine by cause.
    """

    cycles: int
    commands: int
    program_bytes: int
    image_bytes: int
    scratch_bytes: int
    read: int
    written: int
    causes: Mapping[str, int]

    @property
    def traffic(self) -> int:
        """Bytes of external memory in both directions."""
        return self.read + self.written


@dataclass(frozen=True, kw_only=True)
class ProgramFigures:
    """What a program takes, with its parts.

    Attributes
    ----------
    stages : by name, in the order of the program. The cycles that pass after the last job count for it.
    groups : as the compiler made them.
    memory : how full the ``activation`` and the ``weight`` memory are over the run.
    """

    image: ProgramImage
    cycles: int
    stages: Mapping[str, StageCosts]
    groups: tuple[GroupCosts, ...]
    memory: Mapping[str, MemoryUse]

    @property
    def whole(self) -> ProgramCosts:
        """All stages together."""
        stages = self.stages.values()
        return ProgramCosts(
            cycles=self.cycles,
            commands=self.image.commands,
            program_bytes=self.image.commands * COMMAND_BYTES,
            image_bytes=len(self.image.contents),
            scratch_bytes=self.image.sizes[2],
            read=sum(stage.read for stage in stages),
            written=sum(stage.written for stage in stages),
            causes=_sum_of_causes(stages),
        )


@dataclass
class _Stage:
    """A stage while its commands are counted."""

    causes: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(CAUSES, 0)))
    read: int = 0
    written: int = 0
    commands: int = 0

    def costs(self) -> StageCosts:
        return StageCosts(
            causes=dict(self.causes), read=self.read, written=self.written, commands=self.commands
        )


def program_figures(image: ProgramImage, memory: MemoryTiming | None = None) -> ProgramFigures:
    """Predict what a program takes.

    Parameters
    ----------
    memory : how external memory behaves; by default as `MemoryTiming` has it.

    Raises
    ------
    ImageError : the image holds a command that is none.
    """
    view, config = ProgramView(image), image.config
    timeline = program_timeline(config, view.commands, image.contents, memory or MemoryTiming())
    counted = {name: _Stage() for name in view.stages}
    for command, name in zip(view.commands, view.stage_of, strict=True):
        if name in counted:
            _add_traffic(image, counted[name], command)
    last = ""
    for entry in execute_cycles(config, view.commands, image.contents, timeline):
        last = view.stage_of[entry.number] or last
        counted[last].causes.update(entry.causes)
    if last:
        # The result is stored when the last job has ended.
        before = sum(stage.causes.total() for stage in counted.values())
        counted[last].causes["idle"] += timeline.total - before
    stages = {name: stage.costs() for name, stage in counted.items()}
    return ProgramFigures(
        image=image,
        cycles=timeline.total,
        stages=stages,
        groups=tuple(_group(group, stages) for group in image.description.get("groups", [])),
        memory=memory_use(config, view.commands, image.contents, timeline),
    )


def _add_traffic(image: ProgramImage, stage: _Stage, command: Command) -> None:
    stage.commands += 1
    if command.opcode in (Opcode.LOAD, Opcode.STORE):
        size = sum(length for _, length in memory_runs(image.config, command))
        if command.opcode is Opcode.LOAD:
            stage.read += size
        else:
            stage.written += size


def _group(described: Mapping[str, Any], stages: Mapping[str, StageCosts]) -> GroupCosts:
    """A group as the compiler describes it, with what its stages take together."""
    members = [stages[name] for name in described["stages"]]
    return GroupCosts(
        stages=tuple(described["stages"]),
        bands=described["bands"],
        prefetch=described["prefetch"],
        resident_in=described["resident_in"],
        resident_out=described["resident_out"],
        causes=_sum_of_causes(members),
        read=sum(stage.read for stage in members),
        written=sum(stage.written for stage in members),
        commands=sum(stage.commands for stage in members),
    )


def _sum_of_causes(stages: Iterable[StageCosts]) -> dict[str, int]:
    stages = list(stages)
    return {cause: sum(stage.causes[cause] for stage in stages) for cause in CAUSES}
