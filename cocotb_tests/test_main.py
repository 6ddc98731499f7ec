"""The command line runs every selected bench, and its exit status tells a failure from a wrong input."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cocotb_tests import __main__ as main
from cocotb_tests import benches
from cocotb_tests.benches import RegisteredBench, select
from crisp_cli.program_pairs.cases import CaseResult
from crisp_sim.errors import BenchError
from crisp_sim.runs.runner import Bench, BenchResult
from crisp_spec.config import PRESETS

ALL = tuple(
    RegisteredBench(name=name, summary=f"{name} works", device=name, module=name)
    for name in ("decoder", "lane", "layers")
)


@pytest.fixture
def runs(monkeypatch):
    """Replace the simulation: record what would run, and let the device called `lane` fail."""
    recorded = []

    def run_bench(bench: Bench, **options) -> BenchResult:
        recorded.append((bench.top, bench.parameters["config"]["rows"], options))
        if bench.top == "lane":
            raise BenchError("1 of 1 tests did not pass")
        return BenchResult(
            tests=("t",), seed=1, measurements={"cycles": 512}, seconds=0.1, log=Path("log"), waves=None
        )

    monkeypatch.setattr(benches, "device_verilog", lambda device, config: Path(f"{device}.v"))
    monkeypatch.setattr(main, "run_bench", run_bench)
    monkeypatch.setattr(main, "select", lambda pattern: select(pattern, ALL))
    return recorded


def invoke(*arguments: str):
    """Run the command line."""
    return CliRunner().invoke(main.app, list(arguments))


def test_options_reach_the_bench(runs):
    result = invoke(
        "run", "--sim", "icarus", "--preset", "small", "--layer", "deco", "--seed", "9", "--waves"
    )
    assert result.exit_code == 0, result.output
    assert runs == [("decoder", PRESETS["small"].rows, {"sim": "icarus", "seed": 9, "waves": True})]
    assert "1 test passed in 0.1 s, cycles 512" in result.output
    assert "seed 9" in result.output


def test_a_failure_does_not_keep_the_others_from_running(runs):
    result = invoke("run")
    assert result.exit_code == main.CHECK_FAILED
    assert [top for top, *_ in runs] == ["decoder", "lane", "layers"]
    assert "benches that did not pass: lane" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--layer", "no_such"), "no bench matches 'no_such'; expected one of decoder, lane, layers"),
        (("run", "--layer", "("), "'(' is not a regular expression"),
        (("run", "--preset", "huge"), "no preset 'huge'; expected one of tiny, small"),
    ],
)
def test_a_wrong_input_is_named(runs, arguments, message):
    result = invoke(*arguments)
    assert result.exit_code == main.USER_ERROR
    assert message in result.output.replace("\n", " ")
    assert runs == []


def test_many_layers_run_in_batches_that_say_how_far_they_came(monkeypatch):
    ran = []

    def run_bench(bench: Bench, **options) -> BenchResult:
        ran.append((bench.parameters["first"], bench.parameters["cases"], bench.parameters["size"], options))
        log = Path("simulation.log")
        return BenchResult(
            tests=("one",), seed=7, measurements={"cycles": 9}, seconds=0.1, log=log, waves=None
        )

    monkeypatch.setattr(main, "run_bench", run_bench)
    monkeypatch.setattr(main, "LAYERS_PER_BATCH", 10)
    options = ("--preset", "tiny", "--cases", "25", "--first", "40", "--size", "5", "--seed", "7")
    result = invoke("layers", *options)
    assert result.exit_code == 0
    assert [run[:3] for run in ran] == [(40, 10, 5), (50, 10, 5), (60, 5, 5)]
    assert all(run[3] == {"sim": "verilator", "seed": 7} for run in ran)
    assert "layers 60 to 64: exact, 9 cycles" in result.output


def test_many_programs_run_in_batches_that_say_how_far_they_came(monkeypatch):
    ran = []

    class Cases:
        kinds = ("network", "garbage")

        def __init__(self, config, *, seed):
            assert (config, seed) == (PRESETS["small"], 7)

        def run(self, kind: str, number: int) -> CaseResult:
            if (kind, number) == ("garbage", 52):
                raise BenchError("garbage 52 (seed 7): 3 bytes differ")
            ran.append((kind, number))
            return CaseResult("equal" if number % 2 else "refused", 1000)

    monkeypatch.setattr(main, "ProgramCases", Cases)
    monkeypatch.setattr(main, "PROGRAMS_PER_LINE", 3)
    arguments = ("programs", "--preset", "small", "--cases", "4", "--seed", "7", "--first")
    result = invoke(*arguments, "40")
    assert result.exit_code == 0
    assert "network 40 to 42: 1 equal, 2 refused; 3,000 cycles" in result.output
    assert ran == [
        (kind, n) for first, end in ((40, 43), (43, 44)) for kind in Cases.kinds for n in range(first, end)
    ]
    result = invoke(*arguments, "50")
    assert result.exit_code == main.CHECK_FAILED
    assert "garbage 52 (seed 7): 3 bytes differ" in result.output
