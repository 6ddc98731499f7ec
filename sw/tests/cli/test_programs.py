"""``crisp compile``, ``disasm`` and ``network``: from a packed network to a report."""

import json
from pathlib import Path

import pytest

from crisp_golden.machine.program_image import read_image
from crisp_sw.exchange.packed import save_network
from crisp_sw.flows.program_run import NetworkRun
from sw.tests.cli.runner import crisp
from sw.tests.small_programs import small_network, small_program


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("packed") / "network"
    save_network(small_network(), out, {})
    return out


@pytest.fixture(scope="module")
def program(network) -> Path:
    out = network.parent / "programs" / "small.crisp"
    result = crisp("compile", network, "-o", out, "--preset", "small", "--json")
    assert result.exit_code == 0, result.stderr
    figures = json.loads(result.stdout)
    assert figures["image"] == str(out)
    assert figures["commands"] == read_image(out).commands
    return out


def test_compile_writes_the_program(program):
    assert read_image(program) == small_program()


def test_compile_shows_groups_and_totals(network, tmp_path):
    result = crisp("compile", network, "-o", tmp_path / "a.crisp", "-p", "small", "--no-fuse", "--keep")
    assert result.exit_code == 0, result.stderr
    for node in small_network().nodes:
        assert node.name in result.stdout
    assert "total" in result.stdout
    assert "commands" in result.stdout


def test_no_cell_of_compile_is_cut_on_a_narrow_terminal(network, tmp_path):
    shown = [crisp("compile", network, "-o", tmp_path / "p", columns=columns).stdout for columns in (20, 200)]
    assert shown[0].splitlines()[:-1] == shown[1].splitlines()[:-1]


def test_compile_for_an_unknown_preset(tmp_path, network):
    result = crisp("compile", network, "-o", tmp_path / "a.crisp", "--preset", "huge")
    assert result.exit_code == 2
    assert "no preset 'huge'" in result.stderr
    assert not (tmp_path / "a.crisp").exists()


def test_disasm_prints_a_line_for_every_command(program):
    result = crisp("disasm", program)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    commands = read_image(program).commands
    assert lines[-1].split() == [str(commands - 1), "end", "end", "of", "the", "program"]
    assert sum(line.lstrip().split()[0].isdecimal() for line in lines) == commands


def test_disasm_of_one_layer(program):
    result = crisp("disasm", program, "--stage", "layer2.0.conv1", "--json")
    assert result.exit_code == 0, result.stderr
    lines = json.loads(result.stdout)["lines"]
    assert lines
    assert {line["stage"] for line in lines} == {"layer2.0.conv1"}


def test_disasm_of_an_unknown_layer_lists_those_there_are(program):
    result = crisp("disasm", program, "--stage", "nothing")
    assert result.exit_code == 2
    assert "no layer 'nothing'; expected one of conv1, maxpool" in result.stderr


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_disasm_of_a_damaged_image_is_one_error(program, tmp_path, damage: bytes | None):
    path = tmp_path / "damaged.crisp"
    path.write_bytes(program.read_bytes()[:-7] if damage is None else damage)
    result = crisp("disasm", path)
    assert result.exit_code == 2
    assert result.stderr.count("error:") == 1
    assert "damaged.crisp" in result.stderr
    assert "Traceback" not in result.stderr


def test_network_of_a_directory_without_rtl(network, tmp_path):
    out = tmp_path / "out"
    arguments = ("network", network, "--preset", "small", "--no-rtl", "--out", out)
    result = crisp(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report == json.loads((out / "report.json").read_text())
    assert report["totals"]["bit_exact"]
    assert report["totals"]["cycles_counted"] is None
    assert "<title>CRISP: " in (out / "report.html").read_text()
    again = crisp(*arguments)
    assert again.exit_code == 0, again.stderr
    assert "(from a run before)" in again.stderr
    assert "bit-exact" in again.stdout


def test_network_of_a_shipped_checkpoint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ("--blocks", 0.5, "--no-rtl", "--preset", "small", "--json")
    result = crisp("network", "small_resnet_fashion_mnist", *options)
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["source"] == "weights of a checkpoint, pruned by magnitude"
    assert report["settings"]["image_size"] == 28
    assert report["totals"]["compared"]["iss"] == 11
    (folder,) = (tmp_path / "build" / "networks" / "runs").iterdir()
    assert (folder / "report.html").is_file()


def test_network_says_that_an_interrupted_run_continues(network, tmp_path, monkeypatch):
    def interrupt(run: NetworkRun, platforms: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(NetworkRun, "run", interrupt)
    result = crisp("network", network, "--no-rtl", "--out", tmp_path)
    assert result.exit_code == 130
    assert "interrupted; the same command continues where it stopped" in result.stderr


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("--nm", "1:4"), ("--blocks", 0.28), ("--block-size", 16), ("--first-nm", "2:4")),
        *(("--layers", "l.toml"), ("--image-size", 224), ("--width", 1), ("--num-classes", 1000)),
        ("--weights", "w.pth"),
    ],
)
def test_network_of_a_directory_refuses_what_would_have_no_effect(network, option: str, value: object):
    result = crisp("network", network, "--no-rtl", option, value)
    assert result.exit_code == 2
    assert f"`{option} " in result.stderr
    assert "has no effect" in result.stderr


def test_network_of_a_directory_without_one(tmp_path):
    result = crisp("network", tmp_path, "--no-rtl")
    assert result.exit_code == 2
    assert "neither a packed network (network.json) nor a pruned or trained model" in result.stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("README.md", "README.md: a file of another kind; expected the directory of a packed network"),
        ("nowhere", "nowhere: nothing is there; expected the directory of a packed network (network.json)"),
        ("empty", "empty: no network.json in it; expected the directory of a packed network"),
        ("pruned", "or a QDQ ONNX file (.onnx), which `crisp quantize pruned` makes"),
    ],
)
def test_compile_of_something_else_says_what_was_expected(tmp_path, monkeypatch, name: str, message: str):
    monkeypatch.chdir(tmp_path)
    Path("README.md").touch()
    Path("empty").mkdir()
    Path("pruned").mkdir()
    Path("pruned", "model.safetensors").touch()
    result = crisp("compile", name)
    assert result.exit_code == 2
    assert message in result.stderr


def test_network_of_an_unknown_model():
    result = crisp("network", "resnet49", "--no-rtl")
    assert result.exit_code == 2
    assert "resnet49" in result.stderr


def test_network_with_a_pattern_that_is_none():
    result = crisp("network", "resnet18", "--nm", "one:four")
    assert result.exit_code == 2
    assert "expected N:M such as 1:4" in result.stderr
