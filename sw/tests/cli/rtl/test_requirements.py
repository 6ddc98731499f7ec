"""What simulating the RTL needs is looked for before any work."""

import sys

import pytest

from sw.tests.cli.runner import crisp


def test_missing_cocotb_is_said_before_any_work(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "cocotb", None)
    monkeypatch.setattr("crisp_sw.flows.demo.run_demo", None)
    result = crisp("demo", "--out", tmp_path / "demo")
    assert result.exit_code == 2
    assert "simulating the RTL needs the package cocotb" in result.stderr
    assert "crisp-stc[rtl]" in result.stderr


@pytest.mark.parametrize(
    ("module", "work", "words"),
    [
        ("crisp_sw.flows.demo", "prune_task", ("demo",)),
        (
            "crisp_sw.flows.program_run.requested_network",
            "open_requested",
            ("network", "resnet18-32px", "--preset", "tiny"),
        ),
        ("crisp_sw.flows.experiment.experiment", "run_experiment", ("accuracy", "digits", "--rtl", 3)),
    ],
)
def test_the_simulator_is_tried_before_the_work(monkeypatch, tmp_path, module, work, words):
    """A compiler that is missing ends the command; the work itself would fail here."""
    monkeypatch.setattr(f"{module}.{work}", None)
    monkeypatch.setenv("CXX", "no-such-compiler")
    result = crisp(*words, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "simulator 'verilator' needs `no-such-compiler`" in result.stderr


@pytest.mark.parametrize(("error", "status"), [("BuildError", 1), ("ToolError", 2)])
def test_a_trial_that_fails_ends_the_command(monkeypatch, tmp_path, error, status):
    from crisp_sim import errors

    def fail(sim: str) -> None:
        raise getattr(errors, error)(f"{sim} is broken")

    monkeypatch.setattr("crisp_sim.runs.trial.try_simulator", fail)
    result = crisp("network", "resnet18-32px", "--preset", "tiny", "--out", tmp_path / "out")
    assert result.exit_code == status
    assert "error: verilator is broken\n" in result.stderr
