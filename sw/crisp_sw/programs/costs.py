"""What a program takes, by the cycle model: cycles and traffic of every stage, every group and the whole."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from crisp_golden.cycles.memory_timing import MemoryTiming
from crisp_golden.cycles.program_causes import CAUSES, execute_cycles
from crisp_golden.cycles.timeline import program_timeline
from crisp_golden.machine.program_image import ProgramImage
from crisp_golden.machine.transfers import memory_runs
from crisp_spec.commands import COMMAND_BYTES, Command, Opcode
from crisp_sw.programs.memory_use import MemoryUse, memory_use
from crisp_sw.programs.view import ProgramView


@dataclass
class StageFigures:
    """What one stage of a program takes.

    Attributes
    ----------
    causes : cycles of the execute engine by cause, from the end of the stage before to this one's end.
    read, written : bytes of external memory, parameters included.
    commands : that work for it.
    """

    causes: Counter[str] = field(default_factory=Counter)
    read: int = 0
    written: int = 0
    commands: int = 0

    @property
    def cycles(self) -> int:
        """All of them."""
        return self.causes.total()

    def add(self, other: "StageFigures") -> None:
        """Add what another stage takes."""
        self.causes.update(other.causes)
        self.read += other.read
        self.written += other.written
        self.commands += other.commands

    def to_json(self) -> dict[str, Any]:
        """The figures as JSON types."""
        return {
            "cycles": self.cycles,
            "causes": {name: self.causes[name] for name in CAUSES},
            "read": self.read,
            "written": self.written,
            "commands": self.commands,
        }


@dataclass(frozen=True, kw_only=True)
class ProgramFigures:
    """What a program takes.

    Attributes
    ----------
    cycles : predicted, from start to end.
    stages : by name, in the order of the program. The cycles that pass after the last job count for it.
    groups : (names of the stages, as the compiler describes the group, figures).
    memory : how full the ``activation`` and the ``weight`` memory are over the run.
    """

    image: ProgramImage
    cycles: int
    stages: dict[str, StageFigures]
    groups: list[tuple[list[str], dict[str, Any], StageFigures]]
    memory: dict[str, MemoryUse]

    @property
    def whole(self) -> StageFigures:
        """All stages together."""
        return _total(self.stages.values())

    def to_json(self) -> dict[str, Any]:
        """The figures as JSON types."""
        return {
            "cycles": self.cycles,
            "commands": self.image.commands,
            "program_bytes": self.image.commands * COMMAND_BYTES,
            "image_bytes": len(self.image.contents),
            "scratch_bytes": self.image.sizes[2],
            **{name: value for name, value in self.whole.to_json().items() if name in ("read", "written")},
            "causes": self.whole.to_json()["causes"],
            "groups": [
                {
                    "stages": names,
                    "bands": described["bands"],
                    "prefetch": described["prefetch"],
                    "resident_in": described["resident_in"],
                    "resident_out": described["resident_out"],
                    **figures.to_json(),
                }
                for names, described, figures in self.groups
            ],
            "stages": {name: figures.to_json() for name, figures in self.stages.items()},
            "memory": {name: use.to_json() for name, use in self.memory.items()},
        }


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
    stages = {name: StageFigures() for name in view.stages}
    for command, name in zip(view.commands, view.stage_of, strict=True):
        if name in stages:
            _add_traffic(image, stages[name], command)
    last = ""
    for entry in execute_cycles(config, view.commands, image.contents, timeline):
        last = view.stage_of[entry.number] or last
        stages[last].causes.update(entry.causes)
    if last:
        # The result is stored when the last job has ended.
        stages[last].causes["idle"] += timeline.total - _total(stages.values()).cycles
    described = image.description.get("groups", [])
    groups = [
        (group["stages"], group, _total(stages[name] for name in group["stages"])) for group in described
    ]
    return ProgramFigures(
        image=image,
        cycles=timeline.total,
        stages=stages,
        groups=groups,
        memory=memory_use(config, view.commands, image.contents, timeline),
    )


def _add_traffic(image: ProgramImage, stage: StageFigures, command: Command) -> None:
    stage.commands += 1
    if command.opcode in (Opcode.LOAD, Opcode.STORE):
        size = sum(length for _, length in memory_runs(image.config, command))
        if command.opcode is Opcode.LOAD:
            stage.read += size
        else:
            stage.written += size


def _total(parts: Iterable[StageFigures]) -> StageFigures:
    result = StageFigures()
    for part in parts:
        result.add(part)
    return result
