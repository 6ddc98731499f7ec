"""Every command of the documents and of the program's own help is one that there is; the main ones run."""

import os
import shlex
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer

from crisp_cli.program import COMMANDS, app
from crisp_sw.data import load_dataset
from crisp_sw.errors import DatasetError
from sw.tests.cli.runner import crisp
from sw.tests.documents.markdown_blocks import DOCUMENTS, ROOT, mentioned_commands, printed_commands

SMALLER = {
    "prune": ["--samples", "32", "--iterations", "1", "--final-epochs", "1", "--no-compare-dense"],
    "quantize": ["--samples", "32"],
    "network": ["--no-rtl"],
}
"""Options that make a command quick."""

TOUR = (
    "crisp prune --classes sneaker,bag,coat --out build/pruned",
    "crisp quantize build/pruned --out build/network",
    "crisp inspect build/network --preset edge",
    "crisp inspect build/pruned --out build/inspection",
    "crisp export build/pruned --out pruned.safetensors",
    "crisp export build/network --out network.onnx",
    "crisp inspect network.onnx --out build/inspection",
    "crisp compile network.onnx",
    "crisp compile build/network -o program.crisp",
    "crisp disasm program.crisp",
    "crisp network build/pruned --dense-too",
    "crisp network small_resnet_fashion_mnist --blocks 0.5",
    "crisp verilog --preset small",
    "crisp index build",
)
"""Commands of the documents and the help that run here, one after another, in one directory."""

PLACES = {
    "<Tiny ImageNet>": "images",
    "<path>": "images",
    "<board>": "ulx3s-85f",
    "<checkpoint>": "model",
    "COMMAND": "train",
}


def helps() -> list[str]:
    """What the program says of itself."""
    return [
        typer.main.get_command(app).help or "",
        *(COMMANDS[name].load(name).help or "" for name in COMMANDS),
    ]


def words_of(command: str) -> list[str]:
    """The words of a command, places filled in, settings in the environment left out."""
    for place, path in PLACES.items():
        command = command.replace(place, path)
    return without_settings(shlex.split(command))


def without_settings(words: list[str]) -> list[str]:
    """The words of a command without the settings in the environment before it."""
    while words and "=" in words[0]:
        words = words[1:]
    return words


PRINTED = sorted({command for name in DOCUMENTS for command in printed_commands(name)})
MENTIONED = sorted(
    {command for name in DOCUMENTS for command in mentioned_commands((ROOT / name).read_text())}
    | {command for text in helps() for command in mentioned_commands(text)}
)


def parse_crisp(words: list[str]) -> None:
    """Let the program read a command line, without running it."""
    COMMANDS[words[0]].load(words[0]).make_context(words[0], words[1:])


def require_mention(words: list[str]) -> None:
    """A shortened command: it and its options must be there, values may be missing."""
    if words[0] == "--help":
        return
    options = {name for option in COMMANDS[words[0]].load(words[0]).params for name in option.opts}
    options |= {name for option in COMMANDS[words[0]].load(words[0]).params for name in option.secondary_opts}
    missing = [word for word in words[1:] if word.startswith("--") and word not in {*options, "--help"}]
    assert missing == []


def make_runs(words: list[str]) -> list[str]:
    """The last command that a target would run."""
    result = subprocess.run(
        ["make", "-n", *words],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return without_settings(shlex.split(result.stdout.replace("\\\n", "").splitlines()[-1]))


def require_program(words: list[str], *, complete: bool) -> None:
    """Check a command of any program of the project."""
    match words:
        case ["make", *rest]:
            if shutil.which("make") is None:
                pytest.skip("needs make")
            inner = make_runs(rest)
            if inner and inner[0].startswith(".venv/bin/"):
                require_program(inner, complete=True)
        case ["crisp" | ".venv/bin/crisp", *rest]:
            parse_crisp(rest) if complete else require_mention(rest)
        case ["python" | ".venv/bin/python", "-m", "pytest", *rest] | ["pytest", *rest]:
            for word in rest:
                assert not word.endswith(".py") or (ROOT / word).is_file(), word
        case ["python" | ".venv/bin/python", "-m", module, *_]:
            assert find_spec(module) is not None, module
        case _:
            # What a target prints or calls by itself, such as setup's own script.
            assert words[0] in ("make", "tools/setup.sh", "tools/browser.sh", "tools/lock.sh", "echo", "find")


def test_commands_are_found():
    assert "make demo" in PRINTED
    assert any(command.startswith("crisp export build/network") for command in PRINTED)
    assert any(command.startswith("crisp quantize") for command in MENTIONED)


@pytest.mark.parametrize("command", PRINTED)
def test_printed_command_is_complete(command: str):
    require_program(words_of(command), complete=True)


@pytest.mark.parametrize("command", MENTIONED)
def test_mentioned_command_is_one(command: str):
    require_program(words_of(command), complete=False)


@pytest.mark.slow
def test_the_tour_runs_as_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    try:
        load_dataset("fashion-mnist")
    except DatasetError:
        pytest.skip("Fashion-MNIST is not here")
    monkeypatch.chdir(tmp_path)
    written = {" ".join(words_of(command)) for command in (*PRINTED, *MENTIONED)}
    for command in TOUR:
        words = shlex.split(command)
        assert command in written
        small = [word for word in words[1:] if word != "--dense-too"]  # which is for the RTL alone
        result = crisp(*small, *SMALLER.get(words[1], ()))
        assert result.exit_code == 0, f"{command}: {result.stderr}"
