"""Files that ask for too much, never end, or are nested without end: one sentence each, and no memory."""

import json
import os
import shutil
from pathlib import Path

import pytest

from crisp_sw.exchange.checkpoint import read_tensors, write_tensors
from crisp_sw.exchange.tensor_files import write_safetensors
from sw.tests.cli.runner import crisp

DEEP = "[" * 100_000


@pytest.fixture
def files(digits_checkpoint, network, pruned, tmp_path, monkeypatch) -> dict[str, str]:
    """Names of the arguments below."""
    monkeypatch.chdir(tmp_path)
    tensors, header = read_tensors(digits_checkpoint)
    write_safetensors(Path("deep.safetensors"), tensors, {"crisp": DEEP})
    for name, changes in {
        "pixels": {"image_size": [20_000, 20_000]},
        "classes": {"num_classes": 90_000, "classes": ["a"] * 90_000, "class_ids": []},
        "channels": {"in_channels": 4000, "mean": [0.5] * 4000, "std": [0.5] * 4000},
    }.items():
        write_tensors(Path(f"{name}.safetensors"), tensors, {**header, **changes})
    Path("deep.json").write_text(DEEP)
    Path("deep.toml").write_text(f"a = {DEEP}")
    shutil.copytree(network, "network")
    Path("network/network.json").write_text(DEEP)
    shutil.copytree(pruned, "pruned")
    Path("pruned/prune.json").write_text(DEEP)
    for name in ("pipe.toml", "pipe.json", "pipe.pth", "pipe.crisp", "pipe.safetensors"):
        os.mkfifo(name)
    return {"CHECKPOINT": str(digits_checkpoint)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("evaluate", "deep.safetensors"),
            "deep.safetensors: no valid entry 'crisp' in the safetensors header",
        ),
        (
            ("prune", "--classes", "1", "--settings", "deep.json"),
            "deep.json: not valid JSON (nested too deeply",
        ),
        (
            ("prune", "--classes", "1", "--settings", "deep.toml"),
            "deep.toml: not valid TOML (nested too deeply",
        ),
        (
            ("network", "resnet18", "--no-rtl", "--layers", "deep.json"),
            "deep.json: not valid JSON (nested too",
        ),
        (
            ("inspect", "network"),
            "network.json: not valid JSON (nested too deeply; expected at most 64 levels)",
        ),
        (("inspect", "pruned"), "prune.json: not valid JSON (nested too deeply; expected at most 64 levels)"),
        (("inspect", "pixels.safetensors"), "`image_size` (20000, 20000) of 1 channels; expected at most"),
        (
            ("inspect", "classes.safetensors"),
            "does not fit SmallResNet: linear.weight: (10, 128) instead of (90000",
        ),
        (
            ("inspect", "channels.safetensors"),
            "does not fit SmallResNet: conv.weight: (32, 1, 3, 3) instead of",
        ),
        (
            ("prune", "--classes", "1", "--settings", "pipe.toml"),
            "pipe.toml: cannot be read (a named pipe; expec",
        ),
        (
            ("network", "resnet18", "--no-rtl", "--layers", "pipe.json"),
            "pipe.json: cannot be read (a named pipe",
        ),
        (
            ("evaluate", "--weights", "pipe.pth", "--model", "small-resnet", "--data", "digits"),
            "pipe.pth: cannot be read (a named pipe; expected a regular file)",
        ),
        (
            ("network", "small-resnet", "--weights", "pipe.safetensors"),
            "pipe.safetensors: cannot be read (a named",
        ),
        (("disasm", "pipe.crisp"), "pipe.crisp: a named pipe; expected a regular file"),
        (("evaluate", "pipe.safetensors"), "no checkpoint 'pipe.safetensors'"),
        (("disasm", "/dev/zero"), "/dev/zero: a device; expected a regular file"),
        (("prune", "--classes", "1", "--settings", "/dev/stdin.toml"), "/dev/stdin.toml: cannot be read"),
    ],
)
def test_one_sentence_and_status_2(files, arguments, message):
    result = crisp(*(files.get(argument, argument) for argument in arguments))
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.splitlines()[-1].startswith("error: ")


def test_words_that_are_no_unicode():
    result = crisp("inspect", os.fsdecode(b"a\xff"))
    assert (result.exit_code, result.stderr) == (
        2,
        "error: 'a\\udcff' is not UTF-8; expected names and values in UTF-8\n",
    )


def test_names_in_a_network_that_are_no_unicode(network, tmp_path):
    shutil.copytree(network, tmp_path / "network")
    graph = json.loads((tmp_path / "network/network.json").read_text())
    graph["classes"][0] = "\ud800"
    (tmp_path / "network/network.json").write_text(json.dumps(graph))
    result = crisp("inspect", tmp_path / "network")
    assert result.exit_code == 2
    assert "is no Unicode text: half of a surrogate pair" in result.stderr
