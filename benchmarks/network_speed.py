"""ResNet-50 at 224x224 on golden and on the RTL of `edge`: cycles per second, and how long one waits."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.figure import Figure
from cocotb_tests.accelerator.library import model_library
from cocotb_tests.errors import BenchError
from cocotb_tests.runner import BUILD
from crisp_golden.config import preset
from crisp_golden.network import QuantizedNetwork
from crisp_golden.program.timeline import MemoryTiming
from crisp_sw.network_run import NetworkRun, RunSettings, iss_platform, rtl_platform, run_failures
from crisp_sw.network_run.figures import DENSE_UNIT, ISS, RTL
from crisp_sw.networks import LayerSparsity, NetworkSettings, SparsityRules, cached_network

CYCLES_PER_SECOND = 300_000
T = TypeVar("T")

BUILD_SECONDS, SPARSE_SECONDS, DENSE_SECONDS = 120, 120, 240


def network_speed(seed: int) -> list[Figure]:
    """Build the model anew; compile and run the network with 1:4 in 28% of its blocks, then dense.

    Raises
    ------
    BenchError : a layer's output is not golden's.
    """
    rules = SparsityRules(default=LayerSparsity(n=1, m=4, block=16, blocks=0.28))
    network = cached_network(NetworkSettings(rules=rules), cache=BUILD / "networks")
    config = preset("edge")
    model_library(config)
    with tempfile.TemporaryDirectory(prefix="crisp-") as name:
        folder = Path(name)
        build_seconds, _ = _timed(lambda: model_library(config, build=folder))
        seconds, report = _timed(lambda: _report(network, folder, seed, dense=False))
        dense = _report(network, folder, seed, dense=True)  # the sparse results are there already
    return [
        _at_most("build of the model", build_seconds, BUILD_SECONDS),
        *_sparse_figures(report["runs"], seconds),
        *_dense_figures(dense["runs"]),
    ]


def _report(network: QuantizedNetwork, folder: Path, seed: int, *, dense: bool) -> dict[str, Any]:
    config, memory = preset("edge"), MemoryTiming()
    settings = RunSettings(config=config, memory=memory, seed=seed, dense=dense)
    run = NetworkRun(network, settings, folder, lambda _: None, lambda *_: None)
    report = run.run([iss_platform(config), rtl_platform(config, memory)])
    problems = run_failures(report)
    if problems:
        raise BenchError("; ".join(problems))
    return report


def _timed(action: Callable[[], T]) -> tuple[float, T]:
    """Wall time in seconds, and the result."""
    started = time.perf_counter()
    result = action()
    return time.perf_counter() - started, result


def _sparse_figures(runs: list[dict[str, Any]], seconds: float) -> list[Figure]:
    rtl = [run for run in runs if run["platform"] == RTL]
    cycles, simulated = (sum(run[name] for run in rtl) for name in ("cycles", "seconds"))
    golden = sum(run["seconds"] for run in runs if run["platform"] == ISS)
    speed = cycles / simulated
    return [
        Figure(name="ResNet-50 on the RTL", value=speed, unit="cycles/s", target=CYCLES_PER_SECOND),
        _at_most("sparse: compiled, every layer compared on golden and the RTL", seconds, SPARSE_SECONDS),
        Figure(name="of this golden's simulator", value=golden, unit="s"),
        Figure(name=f"of this the RTL, {cycles:,} cycles", value=simulated, unit="s"),
    ]


def _dense_figures(runs: list[dict[str, Any]]) -> list[Figure]:
    dense = next(run for run in runs if run["unit"] == DENSE_UNIT)
    return [_at_most(f"dense on the RTL, {dense['cycles']:,} cycles", dense["seconds"], DENSE_SECONDS)]


def _at_most(name: str, seconds: float, target: float) -> Figure:
    return Figure(name=name, value=seconds, unit="s", target=target, at_most=True)
