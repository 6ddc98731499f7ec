"""Targets pass on what they are given, and nothing else, to commands and options that there are."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from crisp_cli.program import COMMANDS

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(
    shutil.which("make") is None or not (ROOT / "Makefile").is_file(), reason="needs make and a checkout"
)


def command_of(*variables: str, target: str = "network") -> list[str]:
    """The words of the last command that a target would run."""
    command, clean = ["make", "-n", target, *variables], {"PATH": os.environ["PATH"]}
    result = subprocess.run(command, cwd=ROOT, env=clean, check=True, capture_output=True, text=True)
    return shlex.split(result.stdout.replace("\\\n", "").splitlines()[-1])


def test_without_variables_the_command_has_its_defaults():
    assert command_of() == [".venv/bin/crisp", "network", "resnet50", "--preset", "edge"]


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("NM=2:4", ["--nm", "2:4"]),
        ("BLOCKS=0.5", ["--blocks", "0.5"]),
        ("BLOCK_SIZE=32", ["--block-size", "32"]),
        ("FIRST_NM=2:4", ["--first-nm", "2:4"]),
        ("LAYERS=layers.toml", ["--layers", "layers.toml"]),
        ("WEIGHTS=w.pth", ["--weights", "w.pth"]),
        ("SEED=7", ["--seed", "7"]),
        ("PRESET=small", ["--preset", "small"]),
        ("CONFIG=my_core.toml", ["--config", "my_core.toml"]),
        ("DENSE=1", ["--dense-too"]),
    ],
)
def test_a_variable_becomes_an_option_that_there_is(variable: str, words: list[str]):
    command = command_of("NET=vgg16", variable)
    assert command[:3] == [".venv/bin/crisp", "network", "vgg16"]
    assert " ".join(words) in " ".join(command[3:])
    options = COMMANDS["network"].load("network").params
    assert words[0] in {name for option in options for name in option.opts}


WITH_CORE = {
    "demo": ("demo", "edge"),
    "network": ("network", "edge"),
    "verilog": ("verilog", "edge"),
    "synth": ("synth", "small"),
    "layers": ("random-layers", "edge"),
    "programs": ("random-programs", "tiny"),
    "cocotb-test": ("bench", "tiny"),
}
"""Targets that work with a core: the command of each, and its preset."""


@pytest.mark.parametrize("target", WITH_CORE)
@pytest.mark.parametrize("variable", ["", "PRESET=large", "CONFIG=my_core.toml"])
def test_a_core_is_a_preset_or_a_file(target: str, variable: str):
    words = command_of(*([variable] if variable else []), target=target)
    if target == "cocotb-test":
        assert words.pop(0) == "PYTHONPATH=."
    name, preset = WITH_CORE[target]
    expected = variable.lower().split("=") if variable else ["preset", preset]
    assert words[:2] == [".venv/bin/crisp", name]
    assert words[words.index(f"--{expected[0]}") + 1] == expected[1]
    assert ("--preset" in words) != ("--config" in words)
    COMMANDS[name].load(name).make_context(name, words[2:])
