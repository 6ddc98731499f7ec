"""Commands that start the programs of the hardware side."""

import subprocess
import sys

import pytest
import typer

from crisp_cli.commands import hardware
from sw.tests.cli.runner import crisp


def test_programs_get_their_arguments_and_give_their_status(monkeypatch, network, tmp_path):
    inputs = tmp_path / "inputs.safetensors"
    inputs.touch()
    started = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess:
        started.append(command)
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(hardware.subprocess, "run", run)
    assert crisp("verilog", "--preset", "tiny", "--out", "v").exit_code == 3
    assert crisp("verilog", "--preset", "tiny", "--top", "core", "--out", "v").exit_code == 3
    assert crisp("synth", "--board", "ulx3s-85f", "--preset", "small").exit_code == 3
    assert crisp("synth", "--board", "ulx3s-85f", "--preset", "small", "--top", "core").exit_code == 3
    assert crisp("cosim", network, "--inputs", inputs, "--preset", "tiny", "--out", "c.json").exit_code == 3
    python = [sys.executable, "-m"]
    verilog = [*python, "crisp_hw", "verilog", "--preset", "tiny", "--top"]
    synth = [*python, "crisp_hw", "synth", "--board", "ulx3s-85f", "--preset", "small"]
    assert started[:2] == [[*verilog, "accelerator", "--out", "v"], [*verilog, "core", "--out", "v"]]
    assert started[2:4] == [synth, [*synth, "--top", "core"]]
    expected = ["network", "--network", str(network), "--inputs", str(inputs), "--preset", "tiny"]
    assert started[4] == [*python, "cocotb_tests", *expected, "--out", "c.json", "--sim", "verilator"]


def test_program_that_is_not_there(monkeypatch):
    monkeypatch.setattr(hardware, "__file__", "/nowhere/a/b/c.py")
    with pytest.raises(hardware.ProgramError, match="no_such_program is not installed"):
        hardware.run_program("no_such_program", [])


def test_benches_that_are_not_there_are_said_before_any_work(monkeypatch, tmp_path):
    monkeypatch.setattr(hardware, "__file__", "/nowhere/a/b/c.py")
    monkeypatch.setattr(hardware, "BENCHES", "no_such_benches")
    monkeypatch.setattr("crisp_sw.flows.demo.run_demo", None)
    result = crisp("demo", "--out", tmp_path / "demo")
    assert result.exit_code == 2
    assert "its benches, which are not part of the installed package; expected a checkout" in result.stderr
    assert result.stderr.count("\n") == 1


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
    assert crisp(*words, "--out", tmp_path / "out").exit_code == 2


def test_a_trial_that_fails_ends_the_command_with_its_status(monkeypatch):
    monkeypatch.setattr(hardware, "run_program", lambda module, words, quiet_stdout: 2)
    with pytest.raises(typer.Exit) as ended:
        hardware.try_simulator()
    assert ended.value.exit_code == 2
