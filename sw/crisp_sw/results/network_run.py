"""What running a whole network on the whole accelerator found: the ``report.json`` of a network run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from crisp_files.documents import Document
from crisp_files.json_values import figure
from crisp_golden.cycles.memory_timing import MemoryTiming
from crisp_golden.cycles.roofline import GroupBound
from crisp_spec.config import CoreConfig
from crisp_sw.programs.costs import GroupCosts, ProgramCosts, StageCosts
from crisp_sw.programs.memory_use import MemoryUse
from crisp_sw.results.speedup import speedup, utilization

TOLERANCE = 0.01
"""How far the counted cycles of a program may be from the predicted ones."""

WHOLE_UNIT, DENSE_UNIT = "the whole network", "the dense network"
"""Names of the units that are no part of the network, but all of it, and its dense twin."""


@dataclass(frozen=True, kw_only=True)
class UnitResult(Document, schema="crisp-unit-run", version=1):
    """What a platform made of a program: of a part of the network, of all of it, or of its dense twin.

    Attributes
    ----------
    unit : name of the program, for people.
    platform : where it ran: ``iss``, golden's simulator, or ``rtl``.
    predicted : cycles, by the cycle model.
    differing : number of values by tensor that are not those of the integer model.
    counters : of the hardware; all zero on a platform without cycles.
    seconds : that the run took when it was made.
    error : why it did not end; empty if it did.
    """

    unit: str
    platform: str
    predicted: int
    differing: dict[str, int]
    counters: dict[str, int]
    seconds: float
    error: str = ""

    @figure
    def bit_exact(self) -> bool:
        """Whether it ended and every value is right."""
        return not self.error and not any(self.differing.values())

    @figure
    def cycles(self) -> int:
        """Counted by the hardware, 0 on a platform without cycles."""
        return self.counters.get("total", 0)

    @figure
    def on_time(self) -> bool:
        """Whether the counted cycles, if there are any, are about as predicted."""
        return not self.cycles or abs(self.cycles - self.predicted) <= TOLERANCE * self.predicted

    def failures(self) -> list[str]:
        """One sentence each for an error, what differs, and cycles that are not as predicted."""
        place, sentences = f"{self.platform}, {self.unit}", []
        if self.error:
            sentences.append(f"{place}: {self.error}")
        wrong = [name for name, count in self.differing.items() if count]
        if wrong:
            sentences.append(f"{place}: {', '.join(wrong)} differ from the integer model")
        if not self.on_time:
            sentences.append(
                f"{place}: {self.cycles:,} cycles, predicted {self.predicted:,}; "
                f"expected to be within {TOLERANCE:.0%}"
            )
        return sentences


@dataclass(frozen=True, kw_only=True)
class Bound:
    """What no schedule can beat: the array's work, and the beats that must cross the bus in each direction.

    Attributes
    ----------
    compute : cycles in which the array must work.
    read, write : beats of the bus.
    """

    compute: int
    read: int
    write: int

    @classmethod
    def of(cls, bound: GroupBound) -> Self:
        """The bound of a group of layers."""
        return cls(compute=bound.compute, read=bound.read, write=bound.write)

    @figure
    def cycles(self) -> int:
        """The largest of the three."""
        return max(self.compute, self.read, self.write)

    @figure
    def limit(self) -> Literal["compute", "read", "write"]:
        """Which of the three that is."""
        limits: tuple[Literal["compute", "read", "write"], ...] = ("compute", "read", "write")
        return max(limits, key=lambda name: getattr(self, name))


@dataclass(frozen=True, kw_only=True)
class BoundedGroup(GroupCosts):
    """A group of fused layers in the program, and what it cannot beat."""

    bound: Bound


@dataclass(frozen=True, kw_only=True)
class LayerCosts(StageCosts):
    """A layer in a program.

    Attributes
    ----------
    ideal : cycles in which the array must work.
    bound : by the layer's own work and its own traffic; it takes less where transfers hide behind others.
    """

    ideal: int
    bound: Bound

    @figure
    def utilization(self) -> float:
        """Ideal cycles over those taken."""
        return utilization(self.ideal, self.cycles)


@dataclass(frozen=True, kw_only=True)
class LayerPattern:
    """A layer's pattern: at most n of m weights are not zero, in the blocks that are kept.

    Attributes
    ----------
    block : edge of a block.
    kept_blocks, blocks : those that are kept, of all.
    """

    n: int
    m: int
    block: int
    kept_blocks: int
    blocks: int


@dataclass(frozen=True, kw_only=True)
class Exactness:
    """Whether the output was the integer model's wherever it was compared; None if it was not compared.

    Attributes
    ----------
    iss : on golden's simulator.
    rtl : on the RTL.
    """

    iss: bool | None
    rtl: bool | None

    def everywhere(self) -> tuple[bool | None, bool | None]:
        """On both."""
        return self.iss, self.rtl


@dataclass(frozen=True, kw_only=True)
class RunLayer(LayerCosts):
    """A layer of the network in the fused program.

    Attributes
    ----------
    name : of the module.
    group : number of its group, from 0.
    K, R, P : output channels, length of the reduction, output pixels.
    n : weight slots of a group of weights in the array.
    kept_windows, windows : over all row tiles, those that are kept, of all.
    pattern : None for a layer without one.
    weights, nonzero : all, and those that are not zero.
    dense : what the same layer takes in the program of the dense twin; None where that does not fit.
    exact : whether its output was right.
    """

    name: str
    group: int
    K: int
    R: int
    P: int
    n: int
    kept_windows: int
    windows: int
    pattern: LayerPattern | None
    weights: int
    nonzero: int
    dense: LayerCosts | None
    exact: Exactness


@dataclass(frozen=True, kw_only=True)
class ComparedLayers:
    """How many layers were compared with the integer model.

    Attributes
    ----------
    iss : on golden's simulator.
    rtl : on the RTL.
    """

    iss: int
    rtl: int


@dataclass(frozen=True, kw_only=True)
class RunTotals:
    """The whole network as one program.

    Attributes
    ----------
    layers : how many.
    weights, nonzero : all, and those that are not zero.
    cycles_predicted : by the cycle model.
    cycles_counted : by the hardware; None if the RTL did not run.
    counters : of the hardware, in that run.
    dense_predicted : of the dense twin's program, by the cycle model; None where that does not fit.
    dense_counted : by the hardware; None if it did not run there.
    unfused_predicted : of the program that runs layer by layer.
    ideal : cycles in which the array must work.
    bound : what no schedule of these groups can beat.
    bound_overlapped : even if transfers of one group overlap with another's computing.
    bound_unfused : of the program that runs layer by layer.
    traffic, traffic_unfused : bytes of external memory, of the fused program and layer by layer.
    bit_exact : whether every run is.
    compared : layers.
    cycles_per_second : of the simulation; None without one.
    simulated_cycles : in all.
    """

    layers: int
    weights: int
    nonzero: int
    cycles_predicted: int
    cycles_counted: int | None
    counters: dict[str, int] | None
    dense_predicted: int | None
    dense_counted: int | None
    unfused_predicted: int
    ideal: int
    bound: int
    bound_overlapped: int
    bound_unfused: int
    traffic: int
    traffic_unfused: int
    bit_exact: bool
    compared: ComparedLayers
    cycles_per_second: float | None
    simulated_cycles: int

    @figure
    def cycles(self) -> int:
        """Those that were counted; those that were predicted where none were."""
        return self.cycles_predicted if self.cycles_counted is None else self.cycles_counted

    @property
    def cycles_dense(self) -> int | None:
        """The same of the dense twin; None where it does not fit."""
        return self.dense_predicted if self.dense_counted is None else self.dense_counted

    @figure
    def speedup(self) -> float | None:
        """Cycles of the dense twin's program over those of the network's, on the same accelerator."""
        return speedup(self.cycles_dense, self.cycles)

    @figure
    def utilization(self) -> float:
        """Ideal cycles over those taken."""
        return utilization(self.ideal, self.cycles)

    @figure
    def roofline(self) -> float:
        """The bound over the cycles taken."""
        return utilization(self.bound, self.cycles)


@dataclass(frozen=True, kw_only=True)
class RunFigures:
    """What compiling and running a network gives.

    Attributes
    ----------
    config : of the accelerator's core.
    input_shape : channels, height and width of the image.
    totals : the whole network.
    programs : ``fused``, ``unfused`` and, if it fits, ``dense``, as predicted.
    memory_use : how full the ``activation`` and the ``weight`` memory are over the fused program.
    groups : of fused layers, in order.
    layers : all, in order.
    parts : names of the layers of each part in which every layer was compared.
    runs : of all programs.
    """

    config: CoreConfig
    input_shape: tuple[int, int, int]
    totals: RunTotals
    programs: Mapping[str, ProgramCosts]
    memory_use: Mapping[str, MemoryUse]
    groups: tuple[BoundedGroup, ...]
    layers: tuple[RunLayer, ...]
    parts: tuple[tuple[str, ...], ...]
    runs: tuple[UnitResult, ...]

    def failures(self) -> list[str]:
        """One sentence for all that is not as the integer model and the cycle model have it."""
        return [sentence for run in self.runs for sentence in run.failures()]


@dataclass(frozen=True, kw_only=True)
class NetworkReport(RunFigures, Document, schema="crisp-network", version=1):
    """A network on the accelerator, compiled, bounded, run, and compared after every layer.

    Attributes
    ----------
    network : as it was asked for.
    source : where it comes from, for people.
    preset : of the accelerator.
    settings : that it was built with; None if it had a pattern already.
    memory : how external memory behaves.
    clock_mhz : at which cycles are stated as times, too.
    command : that made it.
    seconds : that it took.
    """

    network: str
    source: str
    preset: str
    settings: dict[str, Any] | None
    memory: MemoryTiming
    clock_mhz: float
    command: str
    seconds: float
