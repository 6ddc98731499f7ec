"""A user's own data, with names that terminals, Markdown and shells would obey: the whole way, as printed."""

import json
import os
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sw.tests.cli.runner import crisp

CLASSES = ("[/red]", "<img src=x onerror=alert(1)>", "*a* | `b`")
TRAINING = ("--epochs", 1, "--batch", 8, "--crop-padding", 0)
PRUNING = ("--samples", 8, "--iterations", 1, "--final-epochs", 1, "--sparsity", 0.7)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A directory with pictures of three classes, whose names are anything but plain."""
    place = tmp_path_factory.mktemp("own")
    rng = np.random.default_rng(3)
    for split, count in (("train", 24), ("val", 4)):
        for label in range(3):
            folder = place / "my [pictures]" / split / f"n{label}"
            folder.mkdir(parents=True)
            for index in range(count):
                pixels = rng.integers(80 * label, 80 * label + 60, (16, 16, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{index}.png")
    lines = [f"n{label}\t{name}\n" for label, name in enumerate(CLASSES)]
    (place / "my [pictures]" / "classes.tsv").write_text("".join(lines))
    (place / "batch.toml").write_text("batch_size = 8\n")
    return place


def run(*arguments: object) -> str:
    result = crisp(*arguments)
    assert result.exit_code == 0, result.stderr
    assert "Traceback" not in result.stderr
    return result.stdout


def printed_steps(output: str) -> list[list[str]]:
    """The commands that are printed as what may come next, as a shell reads them."""
    steps = [shlex.split(line) for line in re.findall(r"^next: (.*)$", output, re.MULTILINE)]
    assert steps
    assert all(step[0] == "crisp" for step in steps)
    return [step[1:] for step in steps]


def test_the_whole_way_by_the_printed_steps(place, monkeypatch):
    monkeypatch.setenv("CRISP_CACHE", str(place / "cache"))
    monkeypatch.chdir(place)
    trained = run("train", "--data", "my [pictures]", "--out", "a [red] model", *TRAINING)
    assert "Wrote a [red] model" in trained
    options = ("--settings", "batch.toml", "--out", "its [/red] pruned", *PRUNING)
    pruned = run("prune", "a [red] model", "--classes", "n0,n1,n2", *options)
    assert f"Wrote its [/red] pruned: {', '.join(CLASSES)}" in pruned
    (quantize,) = printed_steps(pruned)
    quantized = run(*quantize, "--samples", 4)
    for step in printed_steps(quantized):
        assert CLASSES[0] in run(*step) or step[0] == "compile"
    assert "'state [b] dict.pth'" in run("export", quantize[1], "--out", "state [b] dict.pth")
    for out in ("net [b].onnx", "packed [b]"):
        source = "build/network" if out.endswith("onnx") else "net [b].onnx"
        for step in printed_steps(run("export", source, "--out", out)):
            run(*step)
    assert "[/red]" in run("evaluate", "build/network", "--json")
    run("evaluate", quantize[1], "--classes", "n0,n1", "--out", "an [i] evaluation")
    run("inspect", quantize[1], "--out", "an [i] inspection")
    for name in (quantize[1], "a [red] model", "build/network", "an [i] evaluation", "an [i] inspection"):
        summary = Path(name, "summary.md").read_text()
        assert "<img" not in summary.replace("\\<img", "")
    assert r"\*a\* \| \`b\`" in Path("an [i] evaluation/summary.md").read_text()


def test_data_are_found_where_they_were(place, monkeypatch, tmp_path):
    monkeypatch.setenv("CRISP_CACHE", str(place / "cache"))
    monkeypatch.chdir(place)
    run("train", "--data", "my [pictures]", "--out", "model", *TRAINING)
    monkeypatch.chdir(tmp_path)
    figures = json.loads(run("evaluate", place / "model", "--json"))
    assert figures["dataset"] == "my [pictures]"
    (place / "my [pictures]").rename(place / "moved")
    try:
        lost = crisp("evaluate", place / "model")
        moved = json.loads(run("evaluate", place / "model", "--data", place / "moved", "--json"))
    finally:
        (place / "moved").rename(place / "my [pictures]")
    assert lost.exit_code == 2
    assert (
        f"the data set 'my [pictures]', in {place / 'my [pictures]'}, which is no known name" in lost.stderr
    )
    assert moved["accuracy"] == figures["accuracy"]


@pytest.mark.parametrize("command", ["evaluate", "inspect", "compile", "disasm", "quantize"])
def test_escape_sequences_do_not_reach_the_terminal(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    result = crisp(command, "\x1b]0;title\a\u202e[red]")
    assert result.exit_code == 2
    assert "\x1b" not in result.stderr
    assert "\\x1b]0;title\\x07\\u202e[red]" in result.stderr


@pytest.mark.parametrize("words", [["\x1b[31m"], ["train", "\x1b[31m"], ["train", "--epochs", "\x1b[31m"]])
def test_usage_errors_are_plain(words):
    result = crisp(*words)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert "\x1b" not in result.stderr


def test_skipped_files_whose_names_are_no_unicode(place, monkeypatch, tmp_path):
    monkeypatch.setenv("CRISP_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(place / "my [pictures]", "data")
    Path("data", "train", "n0", os.fsdecode(b"\xff.png")).write_text("no picture")
    Path("batch.toml").write_text("batch_size = 8\n")
    run("train", "--data", "data", "--unreadable", "skip", "--out", "model", *TRAINING)
    options = ("--unreadable", "skip", "--settings", "batch.toml", "--out", "pruned", *PRUNING)
    (step,) = printed_steps(run("prune", "model", "--classes", "n0,n1", *options))
    assert "\\\\udcff.png: damaged or truncated" in Path("pruned/prune.json").read_text()
    run(*step, "--samples", 4, "--out", "network")
