"""Commands that start the programs of the hardware side."""

import subprocess
import sys

import pytest

from crisp_sw.commands import hardware
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
