"""Models that are damaged inside: every command names what is wrong, and writes nothing."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from crisp_sw.exchange.checkpoint import read_tensors, write_tensors
from sw.tests.cli.runner import crisp

COMMANDS = (
    ("evaluate", "MODEL"),
    ("export", "MODEL", "--out", "e1.pth"),
    ("export", "MODEL", "--out", "exported"),
    ("quantize", "MODEL", "--out", "network", "--samples", 8),
    ("inspect", "MODEL", "--preset", "small", "--out", "inspected"),
)


def assert_refused(model: Path, message: str, folder: Path) -> None:
    before = sorted(folder.iterdir())
    for arguments in COMMANDS:
        result = crisp(*(model if argument == "MODEL" else argument for argument in arguments))
        assert result.exit_code == 2, arguments
        assert result.stdout == ""
        assert result.stderr.startswith("error: ")
        assert message in result.stderr
        assert result.stderr.count("\n") == 1
        assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("tensor", "value", "message"),
    [
        ("conv.weight", torch.nan, "model.safetensors: the weight of 'conv' holds NaN; expected finite"),
        ("linear.bias", torch.inf, "model.safetensors: the bias of 'linear' holds infinite values"),
        ("bn.running_var", -1.0, "the running_var of 'bn' holds -1; expected variances of 0 or more"),
    ],
)
def test_weights_that_cannot_be_used(digits_checkpoint, tmp_path, monkeypatch, tensor, value, message):
    monkeypatch.chdir(tmp_path)
    tensors, header = read_tensors(digits_checkpoint)
    tensors[tensor].view(-1)[0] = value
    write_tensors(tmp_path / "model.safetensors", tensors, header)
    assert_refused(tmp_path / "model.safetensors", message, tmp_path)


@pytest.mark.parametrize(
    ("entry", "value", "message"),
    [
        ("std", [0.0], "`std` must be numbers from 1e-06 to 1, not 0.0"),
        ("std", [float("nan")], "`std` must be numbers from 1e-06 to 1, not nan"),
        ("model", 5, "`model` must be a name, not 5"),
        ("num_classes", 10.0, "`num_classes` must be a positive integer, not 10.0"),
        ("image_size", [], "`image_size` must be two positive integers, not ()"),
        ("mean", ["a"], "`mean` must be numbers from 0 to 1, not 'a'"),
        ("dataset", 7, "`dataset` must be a name, not 7"),
    ],
)
def test_headers_that_cannot_be_used(digits_checkpoint, tmp_path, monkeypatch, entry, value, message):
    monkeypatch.chdir(tmp_path)
    tensors, header = read_tensors(digits_checkpoint)
    write_tensors(tmp_path / "model.safetensors", tensors, {**header, entry: value})
    assert_refused(tmp_path / "model.safetensors", message, tmp_path)


def test_figures_that_are_no_object(pruned, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(pruned, tmp_path / "pruned")
    (tmp_path / "pruned" / "prune.json").write_text(json.dumps([1]))
    assert_refused(tmp_path / "pruned", "prune.json: expected figures by name, not [1]", tmp_path)


@pytest.mark.parametrize("n", ["a", 1.5])
def test_pattern_of_another_type(pruned, tmp_path, monkeypatch, n):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(pruned, tmp_path / "pruned")
    blocks, shapes = read_tensors(tmp_path / "pruned" / "patterns.safetensors")
    layer = min(shapes)
    write_tensors(
        tmp_path / "pruned" / "patterns.safetensors", blocks, {**shapes, layer: {**shapes[layer], "n": n}}
    )
    message = f"patterns.safetensors: `n` of layer {layer!r} must be an integer, not {n!r}"
    assert_refused(tmp_path / "pruned", message, tmp_path)


def test_state_dict_of_others_with_nan(digits_checkpoint, tmp_path):
    tensors, _ = read_tensors(digits_checkpoint)
    tensors["conv.weight"].view(-1)[0] = torch.nan
    torch.save(tensors, tmp_path / "theirs.pth")
    options = ("--model", "small-resnet", "--data", "digits", "--image-size", 8)
    result = crisp("evaluate", "--weights", tmp_path / "theirs.pth", *options)
    assert result.exit_code == 2
    assert f"error: {tmp_path / 'theirs.pth'}: the weight of 'conv' holds NaN" in result.stderr
