"""ResNet-50 at 224x224 on golden and on the RTL of `edge`: cycles per second, and how long one waits."""

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from benchmarks.figure import Figure
from crisp_cli.rtl.platform import rtl_platform
from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_golden.cycles.memory_timing import MemoryTiming
from crisp_sim.accelerator.library import model_library
from crisp_sim.errors import BenchError
from crisp_sim.runs.runner import BUILD
from crisp_spec.config import preset
from crisp_sw.flows.program_run import NetworkRun, RunSettings, iss_platform
from crisp_sw.results.network_run import DENSE_UNIT, RunFigures, UnitResult
from crisp_sw.synthetic import LayerSparsity, NetworkSettings, SparsityRules, cached_network

CYCLES_PER_SECOND = 300_000
T = TypeVar("T")

BUILD_SECONDS, SPARSE_SECONDS, DENSE_SECONDS = 120, 120, 240


def network_speed(seed: int) -> list[Figure]:
    """Build the model anew; compile and run the network with 1:4 in 28% of its blocks, then dense.

    The cycles per second of the sparse network are those of all its runs over the wall time from the first to
    the last of them, with one simulation on each core; loading, reading back and comparing are part of it.

    Raises
    ------
    BenchError : a layer's output is not golden's.
    """
    rules = SparsityRules(default=LayerSparsity(n=1, m=4, block=16, kept_share=0.28))
    network = cached_network(NetworkSettings(rules=rules), cache=BUILD / "networks")
    config = preset("edge")
    model_library(config)
    with tempfile.TemporaryDirectory(prefix="crisp-") as name:
        folder = Path(name)
        build_seconds, _ = _timed(lambda: model_library(config, build=folder))
        sparse = _network_run(network, folder, seed, dense=False)
        golden_seconds, golden = _timed(lambda: _checked(sparse.run([iss_platform(config)])))
        rtl_seconds, rtl = _timed(lambda: _checked(sparse.run([rtl_platform(config, MemoryTiming())])))
        run = _network_run(network, folder, seed, dense=True)  # the sparse results are there already
        dense = _checked(run.run([rtl_platform(config, MemoryTiming())]))
    return [
        _at_most("build of the model", build_seconds, BUILD_SECONDS),
        *_sparse_figures(golden, golden_seconds, rtl, rtl_seconds),
        *_dense_figures(dense),
    ]


def _network_run(network: QuantizedNetwork, folder: Path, seed: int, *, dense: bool) -> NetworkRun:
    settings = RunSettings(config=preset("edge"), memory=MemoryTiming(), seed=seed, dense=dense)
    return NetworkRun(network, settings, folder, lambda _: None, lambda *_: None)


def _checked(report: RunFigures) -> tuple[UnitResult, ...]:
    """The runs of a report in which everything is right."""
    problems = report.failures()
    if problems:
        raise BenchError("; ".join(problems))
    return report.runs


def _timed(action: Callable[[], T]) -> tuple[float, T]:
    """Wall time in seconds, and the result."""
    started = time.perf_counter()
    result = action()
    return time.perf_counter() - started, result


def _sparse_figures(
    golden: Sequence[UnitResult], golden_seconds: float, rtl: Sequence[UnitResult], rtl_seconds: float
) -> list[Figure]:
    cycles, alone = (sum(getattr(run, name) for run in rtl) for name in ("cycles", "seconds"))
    simulating = sum(run.seconds for run in golden)
    return [
        Figure(
            name=f"ResNet-50 on the RTL, {os.cpu_count()} simulations at once",
            value=cycles / rtl_seconds,
            unit="cycles/s",
            target=CYCLES_PER_SECOND,
        ),
        Figure(name="each of them", value=cycles / alone, unit="cycles/s"),
        _at_most(
            "sparse: compiled, every layer compared on golden and the RTL",
            golden_seconds + rtl_seconds,
            SPARSE_SECONDS,
        ),
        Figure(name="of this golden's simulator", value=simulating, unit="s"),
        Figure(name=f"of this the RTL, {cycles:,} cycles", value=rtl_seconds, unit="s"),
    ]


def _dense_figures(runs: Sequence[UnitResult]) -> list[Figure]:
    dense = next(run for run in runs if run.unit == DENSE_UNIT)
    return [_at_most(f"dense on the RTL, {dense.cycles:,} cycles", dense.seconds, DENSE_SECONDS)]


def _at_most(name: str, seconds: float, target: float) -> Figure:
    return Figure(name=name, value=seconds, unit="s", target=target, at_most=True)
