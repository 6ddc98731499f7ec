"""A network from its layers to a verdict: compiled, bounded, run, compared after every layer."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from threading import current_thread

import numpy as np

from crisp_golden.arithmetic.inference import INPUT, run_network
from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_golden.cycles.memory_timing import MemoryTiming
from crisp_golden.machine.program_image import ProgramImage
from crisp_spec.config import CoreConfig
from crisp_spec.errors import CapacityError
from crisp_sw.flows.program_run.dense_twin import dense_twin
from crisp_sw.flows.program_run.network_parts import NetworkPart, network_parts
from crisp_sw.flows.program_run.platforms import Platform
from crisp_sw.flows.program_run.program_cache import ProgramCache
from crisp_sw.flows.program_run.run_report import run_figures
from crisp_sw.flows.program_run.simulation_threads import SimulationThreads
from crisp_sw.flows.program_run.units import Unit, UnitRunner
from crisp_sw.flows.steps.progress import StepCallback
from crisp_sw.programs.costs import ProgramFigures, program_figures
from crisp_sw.results.network_run import DENSE_UNIT, WHOLE_UNIT, RunFigures, UnitResult
from crisp_sw.synthetic import example_input

MakeUnit = Callable[[], Unit]


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How a network is run.

    Parameters
    ----------
    config : of the accelerator.
    memory : how external memory behaves.
    seed : of the image.
    dense : run the dense network on the RTL as well, instead of predicting it alone.
    jobs : programs that the RTL runs at once.
    """

    config: CoreConfig
    memory: MemoryTiming = field(default_factory=MemoryTiming)
    seed: int = 1
    dense: bool = False
    jobs: int = field(default_factory=lambda: os.cpu_count() or 1)


@dataclass(frozen=True)
class NetworkRun:
    """One network on its way through compiler, simulator and RTL.

    Parameters
    ----------
    out : directory of programs and results. What is there already is not made again.
    say : prints a line for people; progress : shows how far a step is.
    """

    network: QuantizedNetwork
    settings: RunSettings
    out: Path
    say: Callable[[str], None]
    progress: StepCallback
    _part_units: dict[int, Unit] = field(init=False, default_factory=dict, repr=False)

    @cached_property
    def x(self) -> np.ndarray:
        """The image int8[1, C, H, W]."""
        return example_input(self.network, seed=self.settings.seed)

    @cached_property
    def tensors(self) -> dict[str, np.ndarray]:
        """Every tensor of the integer model, int8[1, C, H, W] by name."""
        return run_network(self.network, self.x)

    @cached_property
    def programs(self) -> ProgramCache:
        """Compiler with a memory."""
        return ProgramCache(self.out / "programs", self.settings.config)

    def run(self, platforms: Sequence[Platform]) -> RunFigures:
        """Compile, run everywhere, compare.

        Raises
        ------
        CrispError : a layer is not legal, or does not fit the configuration.
        """
        programs, results = self._program_figures, []
        for platform in platforms:
            units = [partial(self._whole_unit, WHOLE_UNIT, self.network, programs["fused"])]
            if "dense" in programs and self.settings.dense and platform.timed:
                units.insert(0, partial(self._whole_unit, DENSE_UNIT, self._dense, programs["dense"]))
            results += self._run_on(platform, units)
        return run_figures(
            network=self.network,
            config=self.settings.config,
            programs=programs,
            parts=tuple(part.layers for part in self._parts),
            results=results,
        )

    @cached_property
    def _dense(self) -> QuantizedNetwork:
        return dense_twin(self.network)

    @cached_property
    def _program_figures(self) -> dict[str, ProgramFigures]:
        """Of the network ``fused`` and ``unfused``, and of the ``dense`` one, unless that does not fit."""
        self.say("compiling: fused, layer by layer, and dense")
        programs = {
            "fused": self._figures(self.programs.compile(self.network)),
            "unfused": self._figures(self.programs.compile(self.network, fuse=False)),
        }
        predicted = f"predicted: {programs['fused'].cycles:,} cycles"
        try:
            programs["dense"] = self._figures(self.programs.compile(self._dense))
            predicted += f", dense {programs['dense'].cycles:,}"
        except CapacityError as error:
            self.say(f"the dense network does not fit: {error}")
        self.say(predicted)
        return programs

    @cached_property
    def _parts(self) -> list[NetworkPart]:
        return network_parts(self.network, self.tensors)

    def _figures(self, image: ProgramImage) -> ProgramFigures:
        return program_figures(image, self.settings.memory)

    def _unit(
        self, name: str, figures: ProgramFigures, x: np.ndarray, tensors: Mapping[str, np.ndarray]
    ) -> Unit:
        expected = {name: tensor[0] for name, tensor in tensors.items() if name != INPUT}
        return Unit(name=name, image=figures.image, x=x[0], expected=expected, predicted=figures.cycles)

    def _whole_unit(self, name: str, network: QuantizedNetwork, figures: ProgramFigures) -> Unit:
        tensors = self.tensors if network is self.network else run_network(network, self.x)
        return self._unit(name, figures, self.x, tensors)

    def _part(self, part: NetworkPart) -> Unit:
        """A part as a program that stores the outputs of all its layers, made once for all platforms."""
        if part.number not in self._part_units:
            self._part_units[part.number] = self._make_part(part)
        return self._part_units[part.number]

    def _make_part(self, part: NetworkPart) -> Unit:
        figures = self._figures(self.programs.compile(part.network, keep=True))
        tensors = {name: self.tensors[name] for name in part.layers}
        return self._unit(f"part {part.number}", figures, self.tensors[part.source], tensors)

    def _run_on(self, platform: Platform, long: Sequence[MakeUnit]) -> list[UnitResult]:
        """Run every part and the long units, which start first; say a line for every layer."""
        parts = self._parts
        results, done, count = [], 0, len(self.network.nodes)
        with SimulationThreads(self.settings.jobs if platform.timed else 1, platform.name) as workers:
            whole = [workers.submit(self._run_unit, make, platform, workers) for make in long]
            runs = [
                workers.submit(self._run_unit, partial(self._part, part), platform, workers) for part in parts
            ]
            for part, run in zip(parts, runs, strict=True):
                results.append(run.result())
                for layer in part.layers:
                    done += 1
                    self.say(f"{platform.name} {done:>3}/{count} {layer}: {_verdict(results[-1], layer)}")
            return results + [run.result() for run in whole]

    def _run_unit(self, make: MakeUnit, platform: Platform, workers: SimulationThreads) -> UnitResult:
        """Run a unit, or take the result of a run before this one."""
        runner, unit = UnitRunner(self.out / "results"), make()
        known = runner.known(unit, platform)
        if known is not None:
            self._say_result(known, again=True)
            return known
        bar = current_thread().name  # one for each of the runs that go on at once

        def report(cycles: int) -> None:
            workers.check()
            self.progress(bar, min(cycles, unit.predicted), unit.predicted, unit.name)

        result = runner.run(unit, platform, report)
        if platform.timed:
            report(unit.predicted)
        self._say_result(result, again=False)
        return result

    def _say_result(self, result: UnitResult, *, again: bool) -> None:
        if result.unit not in (WHOLE_UNIT, DENSE_UNIT):
            return
        cycles = f", {result.cycles:,} cycles, predicted {result.predicted:,}" if result.cycles else ""
        before = " (from a run before)" if again else f" in {result.seconds:.1f} s"
        verdict = "bit-exact" if result.bit_exact else result.error or "differs"
        self.say(f"{result.platform}: {result.unit}: {verdict}{cycles}{before}")


def _verdict(result: UnitResult, layer: str) -> str:
    if result.error:
        return result.error
    if layer not in result.differing:
        return "not stored, so not compared"
    wrong = result.differing[layer]
    return f"{wrong:,} values differ" if wrong else "bit-exact"
