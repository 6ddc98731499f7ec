"""``crisp bench`` runs every selected bench, and its exit status tells a failure from a wrong input."""

from pathlib import Path

import pytest

from crisp_sim.errors import BenchError
from crisp_sim.runs.registered_bench import RegisteredBench
from crisp_sim.runs.runner import Bench, BenchResult
from crisp_spec.config import PRESETS
from sw.tests.cli.runner import crisp

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
        log, waves = Path("log"), Path("dump.fst") if options["waves"] else None
        return BenchResult(
            tests=("t",), seed=1, measurements={"cycles": 512}, seconds=0.1, log=log, waves=waves
        )

    monkeypatch.setattr(
        "crisp_sim.runs.registered_bench.device_verilog", lambda device, config: Path(f"{device}.v")
    )
    monkeypatch.setattr("crisp_sim.runs.runner.run_bench", run_bench)
    monkeypatch.setattr("crisp_sim.runs.registered_bench.load_benches", {"mine.benches": ALL}.__getitem__)
    return recorded


def test_options_reach_the_bench(runs):
    words = ("--sim", "icarus", "--preset", "small", "--only", "deco", "--seed", "9", "--waves")
    result = crisp("bench", "mine.benches", *words)
    assert result.exit_code == 0, result.output
    assert runs == [("decoder", PRESETS["small"].rows, {"sim": "icarus", "seed": 9, "waves": True})]
    assert result.stdout == (
        "decoder: decoder works (seed 9)\n  1 test passed in 0.1 s, cycles 512\n  waves in dump.fst\n"
    )


def test_a_failure_does_not_keep_the_others_from_running(runs):
    result = crisp("bench", "mine.benches")
    assert result.exit_code == 1
    assert [top for top, *_ in runs] == ["decoder", "lane", "layers"]
    assert result.stderr == ("failed: 1 of 1 tests did not pass\nerror: benches that did not pass: lane\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--only", "no_such"), "no bench matches 'no_such'; expected one of decoder, lane, layers"),
        (("--only", "("), "'(' is not a regular expression"),
        (("--preset", "huge"), "no preset 'huge'; expected one of tiny, small"),
        (("--sim", "vcs"), "Invalid value for '--sim'"),
    ],
)
def test_a_wrong_input_is_named(runs, words, message):
    result = crisp("bench", "mine.benches", *words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert runs == []


def test_a_module_that_is_not_there_is_a_wrong_input():
    result = crisp("bench", "no_such_package.benches")
    assert result.exit_code == 2
    assert "no module 'no_such_package.benches' is found" in result.stderr
