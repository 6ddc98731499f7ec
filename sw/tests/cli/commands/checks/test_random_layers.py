"""``crisp random-layers``: batches that say how far they came."""

from pathlib import Path

from crisp_cli.commands.checks import random_layers
from crisp_sim.errors import BenchError
from crisp_sim.runs.runner import Bench, BenchResult
from sw.tests.cli.runner import crisp

OPTIONS = ("--preset", "tiny", "--cases", "25", "--first", "40", "--size", "5", "--seed", "7")


def test_layers_run_in_batches(monkeypatch):
    ran = []

    def run_bench(bench: Bench, **options) -> BenchResult:
        ran.append((bench.parameters["first"], bench.parameters["cases"], bench.parameters["size"], options))
        if len(ran) == 4:
            raise BenchError("case 40 differs")
        log, measured = Path("simulation.log"), {"cycles": 9}
        return BenchResult(tests=("one",), seed=7, measurements=measured, seconds=0.1, log=log, waves=None)

    monkeypatch.setattr("crisp_sim.runs.runner.run_bench", run_bench)
    monkeypatch.setattr(random_layers, "LAYERS_PER_BATCH", 10)
    result = crisp("random-layers", *OPTIONS)
    assert result.exit_code == 0, result.stderr
    assert [run[:3] for run in ran] == [(40, 10, 5), (50, 10, 5), (60, 5, 5)]
    assert all(run[3] == {"sim": "verilator", "seed": 7} for run in ran)
    assert result.stdout.splitlines()[-1] == "layers 60 to 64: exact, 9 cycles"
    result = crisp("random-layers", *OPTIONS)
    assert (result.exit_code, result.stderr) == (1, "error: case 40 differs\n")
