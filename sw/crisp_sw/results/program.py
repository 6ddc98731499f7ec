"""What a compiled program takes: the figures of ``crisp compile``."""

from collections.abc import Mapping
from dataclasses import dataclass

from crisp_files.documents import Document
from crisp_sw.programs.costs import GroupCosts, ProgramCosts, StageCosts
from crisp_sw.programs.memory_use import MemoryUse


@dataclass(frozen=True, kw_only=True)
class CompiledProgram(ProgramCosts, Document, schema="crisp-compile", version=1):
    """A network compiled for an accelerator, with cycles and traffic by the cycle model.

    Attributes
    ----------
    network : as it was given.
    preset : of the accelerator.
    image : file of the program.
    groups : of fused layers, in order.
    stages : layers, by name.
    memory : how full the ``activation`` and the ``weight`` memory are over the run.
    """

    network: str
    preset: str
    image: str
    groups: tuple[GroupCosts, ...]
    stages: Mapping[str, StageCosts]
    memory: Mapping[str, MemoryUse]
