"""Checkpoints: round trip, shipped one, and what is said about files that do not fit."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from crisp_sw.errors import CheckpointError, ModelError
from crisp_sw.exchange.checkpoint import (
    CheckpointInfo,
    find_checkpoint,
    load_checkpoint,
    load_weights,
    read_tensors,
    save_checkpoint,
    write_tensors,
)
from crisp_sw.models import build_model

INFO = CheckpointInfo(
    model="small-resnet",
    in_channels=1,
    num_classes=3,
    classes=("a", "b", "c"),
    image_size=(28, 28),
    mean=(0.25,),
    std=(0.5,),
    dataset="toy",
    accuracy=0.75,
    settings={"epochs": 2},
    command="crisp train",
)


def network(name="small-resnet"):
    torch.manual_seed(4)
    return build_model(name, in_channels=1, num_classes=3)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def test_network_and_information_come_back(path):
    model = network()
    model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    save_checkpoint(path, model, INFO)
    loaded, info = load_checkpoint(path)
    assert info == INFO
    assert info.normalization.mean == (0.25,)
    assert not loaded.training
    expected = model.state_dict()
    assert list(loaded.state_dict()) == list(expected)
    assert all(torch.equal(value, expected[name]) for name, value in loaded.state_dict().items())


def test_compact_file_is_smaller_and_gives_rounded_float32_weights(path):
    save_checkpoint(path, network(), INFO)
    size = path.stat().st_size
    save_checkpoint(path, network(), INFO, compact=True)
    assert path.stat().st_size < 0.6 * size
    loaded, _ = load_checkpoint(path)
    for name, value in network().state_dict().items():
        found = loaded.state_dict()[name]
        assert found.dtype == value.dtype
        assert torch.equal(found, value.bfloat16().float() if value.dim() > 1 else value)


def test_files_are_equal_byte_for_byte_and_nothing_is_left_over(path):
    save_checkpoint(path, network(), INFO)
    first = path.read_bytes()
    save_checkpoint(path, network(), INFO)
    assert path.read_bytes() == first
    assert list(path.parent.iterdir()) == [path]


def test_failed_write_keeps_the_old_file(path):
    save_checkpoint(path, network(), INFO)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        write_tensors(path, network().state_dict(), {"not": object()})
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_other_architecture_is_explained_by_the_first_differences(path):
    save_checkpoint(path, network("small-mobilenet-v2"), replace(INFO, model="small-resnet"))
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    message = str(caught.value)
    assert message.startswith(
        f"{path} does not fit SmallResNet: conv.weight: absent instead of (32, 1, 3, 3); "
    )
    assert message.count("instead of") == 5
    assert " more" in message


def test_other_shape_is_explained_and_changes_nothing():
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    tensors = dict(before) | {"linear.bias": torch.zeros(7), "conv.weight": torch.zeros(32, 1, 3, 3)}
    with pytest.raises(CheckpointError, match=r"linear\.bias: \(7,\) instead of \(3,\)$"):
        load_weights(model, tensors, source="file")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("size", [0, 7, 1000, -1])
def test_truncated_file_is_named(path, size):
    save_checkpoint(path, network(), INFO)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(CheckpointError, match=r"model\.safetensors: not a readable safetensors file"):
        load_checkpoint(path)


def test_safetensors_of_another_program_is_refused(path):
    save_file({"x": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match="no valid entry 'crisp' in the safetensors header"):
        load_checkpoint(path)


def test_header_of_another_kind_is_refused(path):
    write_tensors(path, {"x": torch.zeros(2)}, {"kind": "state"})
    with pytest.raises(CheckpointError, match="not the header of a model checkpoint"):
        load_checkpoint(path)


def test_unknown_model_is_named(path):
    save_checkpoint(path, network(), replace(INFO, model="vgg"))
    with pytest.raises(ModelError, match="no model 'vgg'"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ("a",)}, "1 class names; expected 3"),
        ({"class_ids": ("n1", "n2")}, "2 class ids; expected 3"),
        ({"std": (1.0, 1.0)}, "1 means and 2 deviations; expected 1 of each"),
        ({"std": (0.0,)}, "`std` must be numbers from 1e-06 to 1, not 0.0"),
        ({"std": (float("nan"),)}, "`std` must be numbers from 1e-06 to 1, not nan"),
        ({"std": (float("inf"),)}, "`std` must be numbers from 1e-06 to 1, not inf"),
        ({"mean": (float("nan"),)}, "`mean` must be numbers from 0 to 1, not nan"),
    ],
)
def test_inconsistent_information_is_refused(changes, message):
    with pytest.raises(CheckpointError, match=message):
        replace(INFO, **changes)


@pytest.mark.parametrize(
    ("entry", "value", "message"),
    [
        ("model", 5, "`model` must be a name, not 5"),
        ("in_channels", "1", "`in_channels` must be a positive integer, not '1'"),
        ("num_classes", 3.0, "`num_classes` must be a positive integer, not 3.0"),
        ("num_classes", True, "`num_classes` must be a positive integer, not True"),
        ("classes", ["a", "b", 3], r"`classes` must be names, not \('a', 'b', 3\)"),
        ("classes", "abc", "`classes` must be names, not 'abc'"),
        ("image_size", [], r"`image_size` must be two positive integers, not \(\)"),
        ("image_size", [8, 0], r"`image_size` must be two positive integers, not \(8, 0\)"),
        ("image_size", 8, "`image_size` must be two positive integers, not 8"),
        ("mean", ["a"], "`mean` must be numbers from 0 to 1, not 'a'"),
        ("std", [0], "`std` must be numbers from 1e-06 to 1, not 0"),
        ("std", 1.0, "`std` must be a number for each channel, not 1.0"),
        ("dataset", 7, "`dataset` must be a name, not 7"),
        ("accuracy", "high", "`accuracy` must be from 0 to 1, not 'high'"),
        ("settings", [1], r"`settings` must be values by name, not \(1,\)"),
        ("command", None, "`command` must be a text, not None"),
        ("history", [1], r"`history` must be entries of values by name, not \(1,\)"),
        ("class_ids", [1, 2, 3], r"`class_ids` must be names, not \(1, 2, 3\)"),
    ],
)
def test_header_of_other_types_is_explained(path, entry, value, message):
    write_tensors(path, network().state_dict(), {**asdict(INFO), entry: value})
    with pytest.raises(CheckpointError, match=rf"model\.safetensors: not the header .*{message}"):
        load_checkpoint(path)


def test_header_that_is_no_object_is_refused(path):
    save_file({"x": torch.zeros(2)}, path, metadata={"crisp": "[1]"})
    with pytest.raises(CheckpointError, match=r"entry 'crisp' must be an object, not \[1\]"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("conv.weight", float("nan"), "the weight of 'conv' holds NaN; expected finite numbers"),
        ("linear.bias", float("inf"), "the bias of 'linear' holds infinite values; expected finite numbers"),
        ("bn.running_mean", float("-inf"), "the running_mean of 'bn' holds infinite values"),
        ("bn.running_var", float("nan"), "the running_var of 'bn' holds NaN"),
        ("bn.running_var", -0.5, "the running_var of 'bn' holds -0.5; expected variances of 0 or more"),
    ],
)
def test_values_that_cannot_be_used_are_named(path, name, value, message):
    tensors = network().state_dict()
    tensors[name].view(-1)[0] = value
    write_tensors(path, tensors, asdict(INFO))
    with pytest.raises(CheckpointError, match=rf"model\.safetensors: {message}"):
        load_checkpoint(path)
    model = network()
    with pytest.raises(CheckpointError, match=message):
        load_weights(model, tensors, source="file")
    assert all(value.isfinite().all() for value in model.state_dict().values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda value: value.tolist(), "'weight' holds a list; expected a tensor under a name"),
        (lambda value: value.to("meta"), "'weight' is on the meta device, without values"),
        (lambda value: value.to_sparse(), r"'weight' is torch\.sparse_coo; expected a dense tensor"),
        (
            lambda value: torch.quantize_per_tensor(value, 0.1, 0, torch.qint8),
            "'weight' is quantized; expected a dense tensor",
        ),
        (lambda value: value.to(torch.complex64), r"'weight' is torch\.complex64; expected float16"),
        (lambda value: value.to(torch.float8_e4m3fn), r"'weight' is torch\.float8_e4m3fn; expected float16"),
        (lambda value: value.to(torch.int8), r"'weight' is torch\.int8; expected real numbers"),
    ],
)
def test_weights_of_other_kinds_are_named(change, message):
    model = nn.Linear(2, 2)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    tensors = {"bias": torch.zeros(2), "weight": change(torch.ones(2, 2))}
    with pytest.raises(CheckpointError, match=f"file: {message}"):
        load_weights(model, tensors, source="file")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ([torch.ones(2)], "file: a list; expected tensors by name"),
        ({3: torch.ones(2)}, "file: 3 holds a Tensor; expected a tensor under a name"),
    ],
)
def test_what_are_no_tensors_by_name(tensors, message):
    with pytest.raises(CheckpointError, match=message):
        load_weights(nn.Linear(2, 2), tensors, source="file")


def test_buffers_may_hold_infinities_on_purpose():
    model = nn.Sequential(nn.Linear(2, 2))
    model.register_buffer("mask", torch.tensor([0.0, -torch.inf]))
    load_weights(model, {name: value.clone() for name, value in model.state_dict().items()}, source="file")
    assert model.state_dict()["mask"][1] == -torch.inf


def test_absent_checkpoint_lists_the_shipped_ones():
    with pytest.raises(CheckpointError) as caught:
        find_checkpoint("nothing")
    message = str(caught.value)
    assert message.startswith("no checkpoint 'nothing'; expected a file or one of: ")
    assert "small_resnet_fashion_mnist" in message


def test_shipped_checkpoint_is_small_and_complete():
    path = find_checkpoint("small_resnet_fashion_mnist")
    assert Path(path).stat().st_size < 2_000_000
    model, info = load_checkpoint(path)
    assert info.dataset == "fashion-mnist"
    assert info.accuracy >= 0.93
    assert info.command.startswith("crisp train --model small-resnet --data fashion-mnist")
    assert info.classes[7] == "Sneaker"
    assert all(value.isfinite().all() for value in model.state_dict().values())
    _, header = read_tensors(path)
    assert header["settings"]["seed"] == info.settings["seed"]


def test_sizes_that_the_weights_do_not_have_are_not_allocated(path, monkeypatch):
    save_checkpoint(path, network(), INFO)
    names = tuple(f"class {number}" for number in range(50_000))
    tensors, header = read_tensors(path)
    write_tensors(path, tensors, {**header, "num_classes": len(names), "classes": names})
    devices = []

    def build(*arguments, **sizes):
        model = build_model(*arguments, **sizes)
        devices.append(next(model.parameters()).device.type)
        return model

    monkeypatch.setattr("crisp_sw.exchange.checkpoint.build_model", build)
    with pytest.raises(CheckpointError, match=r"does not fit SmallResNet: linear\.weight"):
        load_checkpoint(path)
    assert devices == ["meta"]
