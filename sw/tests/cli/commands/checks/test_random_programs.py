"""``crisp random-programs``: batches that say how far they came."""

from crisp_cli.commands.checks import random_programs
from crisp_cli.program_pairs.cases import CaseResult
from crisp_sim.errors import BenchError
from crisp_spec.config import PRESETS
from sw.tests.cli.runner import crisp


def test_programs_run_in_batches(monkeypatch):
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

    monkeypatch.setattr("crisp_cli.program_pairs.cases.ProgramCases", Cases)
    monkeypatch.setattr(random_programs, "PROGRAMS_PER_LINE", 3)
    words = ("random-programs", "--preset", "small", "--cases", "4", "--seed", "7", "--first")
    result = crisp(*words, "40")
    assert result.exit_code == 0, result.stderr
    assert "network 40 to 42: 1 equal, 2 refused; 3,000 cycles" in result.stdout
    assert ran == [
        (kind, n) for first, end in ((40, 43), (43, 44)) for kind in Cases.kinds for n in range(first, end)
    ]
    result = crisp(*words, "50")
    assert (result.exit_code, result.stderr) == (1, "error: garbage 52 (seed 7): 3 bytes differ\n")
