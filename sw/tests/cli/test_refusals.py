"""Input that nothing can be done with: one message, status 2, and nothing is written."""

import shutil
from pathlib import Path

import pytest
import torch

from crisp_sw.exchange.checkpoint import load_checkpoint, read_tensors, save_checkpoint, write_tensors
from sw.tests.cli.runner import crisp


@pytest.fixture(scope="module")
def damaged(digits_checkpoint, pruned, tmp_path_factory) -> dict[str, Path]:
    """Inputs that nothing can be done with, by the names that the test below has for them."""
    folder = tmp_path_factory.mktemp("damaged")
    model, info = load_checkpoint(digits_checkpoint)
    with torch.no_grad():
        model.get_parameter("conv.weight")[0, 0, 0, 0] = torch.nan
    save_checkpoint(folder / "nan.safetensors", model, info)
    (folder / "rules.toml").write_text('rules = [{ type = "BatchNorm2d", n = 2 }]')
    for name in ("masks", "patterns"):
        shutil.copytree(pruned, folder / name)
        tensors, shapes = read_tensors(folder / name / f"{name}.safetensors")
        changed = {layer: torch.zeros_like(mask) for layer, mask in tensors.items()}
        write_tensors(folder / name / f"{name}.safetensors", changed, shapes)
    return {
        "NAN": folder / "nan.safetensors",
        "RULES": folder / "rules.toml",
        "MASKS": folder / "masks",
        "PATTERNS": folder / "patterns",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prune", "nowhere.safetensors", "--classes", "1"], "no checkpoint 'nowhere.safetensors'"),
        (["prune", "CHECKPOINT", "--classes", "1,eleven"], "no class 'eleven' in digits"),
        (["prune", "CHECKPOINT", "--classes", "1,2", "--n", "5"], "`n` must be from 1 to m = 4, not 5"),
        (
            ["prune", "CHECKPOINT", "--classes", "1,2", "--samples", "0"],
            "`samples_per_class` must be an integer of at least 1, not 0",
        ),
        (["prune", "CHECKPOINT", "--classes", "1,2", "--data", "mnist"], "no data set 'mnist'"),
        (["quantize", "CHECKPOINT", "--ranges", "kl"], "no range method 'kl'"),
        (["evaluate", "TMP"], "not a pruned model"),
        (["inspect", "TMP"], "neither a packed network (network.json) nor a pruned or trained model"),
        (["demo", "--preset", "huge"], "no preset 'huge'; expected one of tiny"),
        (["verilog", "--preset", "huge"], "no preset 'huge'"),
        (["train", "--epochs", "0"], "`epochs` must be above 0 and at most 1e+06, not 0"),
        (["train", "--out", "NETWORK"], "exists and is no trained model"),
        (["compile", "NETWORK", "--out", "."], "'.' is a directory; expected the name of a file"),
        (["train", "--out", "."], "'.' has no name; expected a path such as build/result"),
        (["prune", "CHECKPOINT", "--classes", "1,2", "--out", ".."], "'..' has no name; expected a path"),
        (["quantize", "CHECKPOINT", "--out", ""], "'' after '--out' is empty; expected a name or a value"),
        (["accuracy", "digits", "--out="], "'--out=' has no value; expected one after it"),
        (["evaluate", "CHECKPOINT", "--out", "."], "'.' has no name; expected a path such as build/result"),
        (["inspect", "CHECKPOINT", "--out", "."], "'.' has no name; expected a path such as build/result"),
        (["cosim", "NETWORK", "--inputs", "none.safetensors"], "none.safetensors: no such file"),
        (
            ["cosim", "a.onnx", "--inputs", "i"],
            "which `crisp export a.onnx --out a` makes",
        ),
        (["prune", "--classes", "1", "--settings", "no.toml"], "no.toml: cannot be read"),
        (["prune", "--classes", "1", "--method", "best"], "`method` must be one of crisp, dense, nm"),
        (["prune", "--classes", "1", "--method", "channel"], "makes a network of other sizes"),
        (["prune", "CHECKPOINT", "--classes", "1,2", "--out", "NETWORK"], "exists and is no pruned model"),
        (["prune", "--classes", "1", "--teacher", "best"], "`teacher` must be original or fine-tuned"),
        (
            ["prune", "CHECKPOINT", "--classes", "1,2", "--samples", "9"],
            "18 training images (9 of '1', 9 of '2') are fewer than one batch of 64; expected at least 64: "
            "raise --samples or lower --batch",
        ),
        (["prune", "CHECKPOINT", "--classes", " "], "' ' after '--classes' is empty; expected a name"),
        (["prune", "CHECKPOINT", "--classes", " , "], "no classes given; expected some of: 0, 1, 2, 3"),
        (
            ["prune", "CHECKPOINT", "--classes", "1,2", "--samples", "64", "--method", "nm"],
            "`sparsity` 0.92 cannot be reached: the nearest is 0.75, ",
        ),
        (["prune", "--classes", "1", "--sparsity", "nan"], "`sparsity` must be from 0 below 1, not nan"),
        (
            ["prune", "NAN", "--classes", "1,2", "--samples", "64"],
            "the weight of 'conv' holds NaN; expected finite numbers: check the checkpoint",
        ),
        (
            ["prune", "CHECKPOINT", "--classes", "1,2", "--samples", "64", "--settings", "RULES"],
            "the rule for type 'BatchNorm2d' names 'bn', a BatchNorm2d, which cannot be pruned; expected a "
            "Conv2d or Linear layer",
        ),
        (["quantize", "MASKS"], "masks.safetensors does not fit model.safetensors: the mask of layer"),
        (["evaluate", "PATTERNS"], "patterns.safetensors does not fit model.safetensors: linear: "),
        (
            ["evaluate", "PRUNED", "--classes", "8,4"],
            "the network has no output for '4'; expected some of its classes: 3, 8, 5",
        ),
        (["evaluate", "NETWORK", "--classes", "4"], "the network has no output for '4'"),
        (["train", "--device", "tpu"], "no device 'tpu' here; expected one of cpu"),
        (["prune", "--classes", "1", "--device", "cuda:99"], "no device 'cuda:99' here; expected one of cpu"),
        (["evaluate", "--device", "tpu"], "no device 'tpu' here; expected one of cpu"),
        (["quantize", "--data", "digits"], "no model; expected a checkpoint"),
        (["quantize", "CHECKPOINT", "--out", "PRUNED"], "exists and is no packed network"),
        (["evaluate", "--weights", "CHECKPOINT"], "--weights and --model belong together"),
        (["evaluate", "--model", "resnet18"], "--weights and --model belong together"),
        (["evaluate", "--weights", "CHECKPOINT", "--model", "resnet18"], "does not name its data set"),
        (
            ["evaluate", "--weights", "CHECKPOINT", "--model", "resnet18-32px", "--data", "digits"],
            "does not fit ResNet: ",
        ),
        (["evaluate", "--out", "NETWORK"], "is no result of `crisp evaluate`"),
        (["evaluate", "none.onnx"], "none.onnx: cannot be read"),
        (["inspect", "none.onnx"], "none.onnx: cannot be read"),
        (["inspect", "NETWORK", "--out", "PRUNED"], "is no result of `crisp inspect`"),
        (["compile", "none.onnx"], "none.onnx: cannot be read"),
        (
            ["export", "NETWORK", "--out", "net.h5"],
            "is a quantized network; expected a name that ends in .onnx",
        ),
        (["export", "PRUNED", "--out", "net.onnx"], "ONNX goes out quantized"),
        (["export", "PRUNED", "--out", "net.h5"], "expected a name that ends in .safetensors"),
        (["export", "nothing", "--out", "net.safetensors"], "no checkpoint 'nothing'"),
    ],
)
def test_bad_input_is_one_message_and_status_2(
    digits_checkpoint, network, pruned, damaged, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    places = {
        "CHECKPOINT": digits_checkpoint,
        "TMP": tmp_path,
        "NETWORK": network,
        "PRUNED": pruned,
        **damaged,
    }
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


@pytest.mark.parametrize("command", [("demo",), ("network", "resnet18", "--no-rtl")])
def test_a_run_does_not_mix_with_other_files(command: tuple[str, ...], tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    result = crisp(*command, "--out", tmp_path)
    assert result.exit_code == 2
    assert "has 'thesis.tex', which is no part of a result of" in " ".join(result.stderr.split())
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
