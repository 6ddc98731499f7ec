"""The program ``crisp``: help that teaches, JSON for machines, one message for what cannot be used."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from crisp_sw.cli import app
from crisp_sw.commands import hardware

COMMANDS = (
    *("demo", "train", "evaluate", "prune", "quantize", "inspect"),
    *("compile", "disasm", "network"),
    *("verilog", "synth", "cosim"),
)


def crisp(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


@pytest.fixture(scope="module")
def pruned(digits_checkpoint, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("pruned") / "pruned"
    arguments = ("--samples", 60, "--iterations", 1, "--final-epochs", 1, "--sparsity", 0.8)
    result = crisp("prune", digits_checkpoint, "--classes", "3,8,5", "--out", out, *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    figures = json.loads(result.stdout)
    assert figures["sparsity"] >= 0.8
    assert figures["classes"] == ["3", "8", "5"]
    return out


@pytest.fixture(scope="module")
def network(pruned, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("network") / "network"
    result = crisp("quantize", pruned, "--out", out, "--samples", 32, "--json")
    assert result.exit_code == 0, result.stderr
    assert abs(json.loads(result.stdout)["accuracy"]["int8"] - accuracy_of(pruned)["pruned"]) < 0.05
    return out


def accuracy_of(path: Path, *arguments: object) -> dict[str, float]:
    result = crisp("evaluate", path, *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)["accuracy"]


def test_help_shows_the_way():
    result = crisp("--help")
    assert result.exit_code == 0
    for command in COMMANDS:
        assert command in result.stdout
    assert "crisp demo --classes sneaker,bag,coat" in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_has_an_example(command):
    result = crisp(command, "--help")
    assert result.exit_code == 0
    description = result.stdout.partition("Usage")[2].partition("\n")[2]
    assert f"crisp {command}" in description


def test_train_writes_a_checkpoint_that_records_its_command(tmp_path):
    out = tmp_path / "model.safetensors"
    options = ("--data", "digits", "--image-size", 8, "--epochs", 1, "--no-flip")
    result = crisp("train", *options, "--out", out, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["checkpoint"] == str(out)
    assert set(accuracy_of(out)) == {"all_classes"}


def test_evaluate_every_kind_of_model(digits_checkpoint, pruned, network):
    assert set(accuracy_of(digits_checkpoint, "--classes", "3,8")) == {
        "all_classes",
        "dense",
        "dense_all_outputs",
    }
    assert accuracy_of(pruned)["pruned"] > 0.5
    assert accuracy_of(network)["int8"] > 0.5


def test_quantize_of_a_dense_checkpoint(digits_checkpoint, tmp_path):
    result = crisp(
        "quantize", digits_checkpoint, "--out", tmp_path / "net", "--ranges", "minmax", "--samples", 16
    )
    assert result.exit_code == 0, result.stderr
    assert "int8 accuracy" in result.stdout


def test_inspect_shows_layers_and_totals(network):
    result = crisp("inspect", network, "--preset", "small", "--json")
    figures = json.loads(result.stdout)
    assert figures["preset"] == "small"
    assert len(figures["layers"]) == 11
    assert figures["layers"][1]["block"] == 16
    table = crisp("inspect", network).stdout
    assert "stage3.conv2" in table
    assert f"{sum(layer['bytes_packed'] for layer in figures['layers']):,}" in table


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prune", "nowhere.safetensors", "--classes", "1"], "no checkpoint 'nowhere.safetensors'"),
        (["prune", "CHECKPOINT", "--classes", "1,eleven"], "no class 'eleven' in digits"),
        (["prune", "CHECKPOINT", "--classes", "1,2", "--n", "5"], "`n` must be from 1 to m = 4, not 5"),
        (
            ["prune", "CHECKPOINT", "--classes", "1,2", "--samples", "0"],
            "`samples_per_class` must be at least 1",
        ),
        (["prune", "CHECKPOINT", "--classes", "1,2", "--data", "mnist"], "no data set 'mnist'"),
        (["quantize", "CHECKPOINT", "--ranges", "kl"], "no range method 'kl'"),
        (["evaluate", "TMP"], "not a pruned model"),
        (["inspect", "TMP"], "network.json: cannot be read"),
        (["demo", "--preset", "huge"], "no preset 'huge'; expected one of tiny"),
        (["verilog", "--preset", "huge"], "no preset 'huge'"),
        (["train", "--epochs", "0"], "`epochs` must be positive, not 0"),
        (["cosim", "NETWORK", "--inputs", "none.safetensors"], "none.safetensors: no such file"),
    ],
)
def test_bad_input_is_one_message_and_status_2(digits_checkpoint, network, tmp_path, arguments, message):
    places = {"CHECKPOINT": digits_checkpoint, "TMP": tmp_path, "NETWORK": network}
    result = crisp(*(places.get(argument, argument) for argument in arguments))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_unwritable_output_is_one_message(network, pruned, tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = crisp("quantize", pruned, "--out", tmp_path / "file" / "net", "--samples", 8)
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert str(tmp_path / "file") in result.stderr


def test_programs_get_their_arguments_and_give_their_status(monkeypatch, network, tmp_path):
    inputs = tmp_path / "inputs.safetensors"
    inputs.touch()
    started = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess:
        started.append(command)
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(hardware.subprocess, "run", run)
    assert crisp("verilog", "--preset", "tiny", "--out", "v").exit_code == 3
    assert crisp("synth", "--board", "ulx3s-85f", "--preset", "small").exit_code == 3
    assert crisp("cosim", network, "--inputs", inputs, "--preset", "tiny", "--out", "c.json").exit_code == 3
    python = [sys.executable, "-m"]
    assert started[0] == [*python, "crisp_hw", "verilog", "--preset", "tiny", "--out", "v"]
    assert started[1] == [*python, "crisp_hw", "synth", "--board", "ulx3s-85f", "--preset", "small"]
    expected = ["network", "--network", str(network), "--inputs", str(inputs), "--preset", "tiny"]
    assert started[2] == [*python, "cocotb_tests", *expected, "--out", "c.json", "--sim", "verilator"]


def test_program_that_is_not_there(monkeypatch):
    monkeypatch.setattr(hardware, "__file__", "/nowhere/a/b/c.py")
    with pytest.raises(hardware.ProgramError, match="no_such_program is not installed"):
        hardware.run_program("no_such_program", [])
