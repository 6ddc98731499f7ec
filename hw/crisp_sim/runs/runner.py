"""Runs cocotb benches on a simulator and holds them to the number of tests that they are known to have.

cocotb's own runner passes when no test ran, for example because a module's name was wrong. Here a bench
passes only when exactly the expected number of tests ran and each of them passed.
"""

import contextlib
import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cocotb_tools import _env

from crisp_files.folders import build_folder
from crisp_sim.errors import BenchError
from crisp_sim.runs.parameters import MEASUREMENTS_VARIABLE, PARAMETERS_VARIABLE, read_measurements
from crisp_sim.runs.results import passed_tests
from crisp_sim.runs.watching import MeasurementsCallback, ignore_measurements, watched
from crisp_sim.simulators.build_cache import built_model, locked, log_tail
from crisp_sim.simulators.simulators import WAVES_FILE, Simulator, simulator

BUILD = build_folder()
"""Models, and what runs leave behind."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A module of cocotb tests and the device that it tests.

    Attributes
    ----------
    verilog : the file that defines the device.
    top : name of the device's module; a bench sees only its ports.
    module : dotted name of the Python module with the cocotb tests.
    tests : number of tests in ``module``, counting each set of parameters of a parametrized test.
    parameters : JSON values for the tests, which read them with ``tb.parameters.bench_parameters``.
    """

    verilog: Path
    top: str
    module: str
    tests: int
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class BenchResult:
    """What a bench that passed has left behind.

    Attributes
    ----------
    tests : names of the tests, in the order in which they ran.
    seed : of Python's and cocotb's random numbers.
    measurements : what the tests handed to ``tb.parameters.record_measurements``.
    seconds : wall-clock time of the simulation, without building the model.
    log : the simulation's output.
    waves : trace of all signals, if one was asked for.
    """

    tests: tuple[str, ...]
    seed: int
    measurements: Mapping[str, Any]
    seconds: float
    log: Path
    waves: Path | None


def run_bench(
    bench: Bench,
    *,
    sim: str = "verilator",
    seed: int = 1,
    waves: bool = False,
    build: Path = BUILD,
    on_measurements: MeasurementsCallback = ignore_measurements,
) -> BenchResult:
    """Build the device of ``bench`` if need be, run its tests, and demand that all of them passed.

    Parameters
    ----------
    sim : "verilator" or "icarus".
    seed : of the random numbers in the tests.
    waves : whether to record all signals; the environment variable WAVES takes precedence, as in cocotb.
    build : folder for models (``sim``) and for what runs leave behind (``runs``).
    on_measurements : called, from another thread, with all measurements whenever the tests hand over more.

    Raises
    ------
    ToolError : the simulator's name is unknown, or something that it needs is not installed.
    BuildError : the simulator rejected the Verilog.
    BenchError : a test failed or was skipped, the simulation crashed, or another number of tests ran than
        expected; the message names the tests, the seed and the log, and ends with the log's end.
    """
    waves = _env.get_bool("WAVES", waves)
    runner = simulator(sim)
    model = built_model(runner, bench.verilog, bench.top, waves=waves, cache=build / "sim")
    directory = build / "runs" / _run_name(bench, sim, seed, waves)
    directory.parent.mkdir(parents=True, exist_ok=True)
    with locked(directory.with_suffix(".lock")):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        with watched(_RunFiles(directory).measurements, on_measurements):
            return _run(runner, bench, seed, waves, model, directory)


class _RunFiles:
    """The files in the directory of one run."""

    def __init__(self, directory: Path):
        self.parameters = directory / "parameters.json"
        self.measurements = directory / "measurements.json"
        self.results = directory / "results.xml"
        self.log = directory / "simulation.log"


def _run_name(bench: Bench, sim: str, seed: int, waves: bool) -> str:
    inputs = json.dumps(
        [str(bench.verilog), bench.tests, seed, waves, dict(bench.parameters)], sort_keys=True
    )
    digest = hashlib.sha256(inputs.encode()).hexdigest()[:12]
    return f"{bench.module.rpartition('.')[2]}-{bench.top}-{sim}-{digest}"


def _run(
    runner: Simulator, bench: Bench, seed: int, waves: bool, model: Path, directory: Path
) -> BenchResult:
    files = _RunFiles(directory)
    files.parameters.write_text(json.dumps(dict(bench.parameters)))
    trace = directory / WAVES_FILE if waves else None
    started = time.perf_counter()
    clean_exit = _simulate(
        runner,
        test_module=bench.module,
        hdl_toplevel=bench.top,
        hdl_toplevel_lang="verilog",
        build_dir=model,
        test_dir=directory,
        results_xml=str(files.results),
        log_file=files.log,
        seed=seed,
        waves=waves,
        plusargs=runner.trace_plusargs(trace),
        extra_env={
            PARAMETERS_VARIABLE: str(files.parameters),
            MEASUREMENTS_VARIABLE: str(files.measurements),
        },
    )
    seconds = time.perf_counter() - started
    return BenchResult(
        tests=_passed_tests(bench, seed, files, clean_exit),
        seed=seed,
        measurements=read_measurements(files.measurements),
        seconds=seconds,
        log=files.log,
        waves=trace,
    )


def _simulate(runner: Simulator, **arguments: Any) -> bool:
    # Under pytest, cocotb exits when a test failed; the results file is what counts. A simulator that ended
    # with an error is a RuntimeError: it may have crashed after the last test, or stopped at an assertion.
    with contextlib.suppress(SystemExit):
        try:
            runner.test(**arguments)
        except RuntimeError:
            return False
    return True


def _passed_tests(bench: Bench, seed: int, files: _RunFiles, clean_exit: bool) -> tuple[str, ...]:
    try:
        names = passed_tests(files.results, bench.tests)
        if not clean_exit:
            raise BenchError("all tests passed, but the simulator ended with an error")
        return names
    except BenchError as error:
        raise BenchError(
            f"bench {bench.module} on {bench.top!r} with seed {seed}: {error}\n"
            f"the end of {files.log}:\n{log_tail(files.log)}"
        ) from None
