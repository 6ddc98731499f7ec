"""The program ``crisp``: help that teaches, JSON for machines, one message for what cannot be used."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from crisp_sw.checkpoint import load_checkpoint, read_tensors, save_checkpoint, write_tensors
from crisp_sw.cli import app
from crisp_sw.commands import hardware

COMMANDS = (
    *("demo", "train", "evaluate", "prune", "quantize", "inspect", "export"),
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
    assert not out.with_name("pruned.state").exists()
    return out


@pytest.fixture(scope="module")
def network(pruned, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("network") / "network"
    result = crisp("quantize", pruned, "--out", out, "--samples", 32, "--json")
    assert result.exit_code == 0, result.stderr
    assert abs(json.loads(result.stdout)["accuracy"]["int8"] - accuracy_of(pruned)["pruned"]) < 0.05
    return out


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
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_train_writes_a_directory_that_other_commands_take(tmp_path):
    out = tmp_path / "model"
    options = (
        "--data",
        "digits",
        "--image-size",
        8,
        "--epochs",
        1,
        "--no-flip",
        "--model",
        "resnet18-half-32px",
    )
    result = crisp("train", *options, "--out", out)
    assert result.exit_code == 0, result.stderr
    assert sorted(path.name for path in out.iterdir()) == ["model.safetensors", "summary.md", "train.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    figures = json.loads((out / "train.json").read_text())
    assert figures["settings"]["epochs"] == 1
    assert figures["source"] == {"data": "digits", "unreadable": "refuse", "device": "cpu", "compact": False}
    assert (figures["image_size"], figures["skipped"]) == ([8, 8], [])
    assert len(figures["history"]) == 1
    assert "| 1 |" in (out / "summary.md").read_text()
    assert accuracy_of(out)["all_classes"] == pytest.approx(figures["accuracy"])
    again = crisp("train", *options, "--out", out)
    assert again.exit_code == 0, again.stderr


def test_every_step_leaves_figures_and_a_summary(pruned, network, tmp_path):
    names = ["masks.safetensors", "model.safetensors", "patterns.safetensors", "prune.json", "summary.md"]
    assert sorted(path.name for path in pruned.iterdir()) == names
    assert "| stage3.conv2 |" in (pruned / "summary.md").read_text()
    figures = json.loads((pruned / "prune.json").read_text())
    assert figures["settings"]["sparsity"] == 0.8
    assert figures["source"].keys() == {"checkpoint", "data", "unreadable", "device"}
    assert (figures["image_size"], figures["class_ids"]) == ([8, 8], ["3", "8", "5"])
    assert figures.keys() >= {
        "command",
        "mean",
        "std",
        "compare_dense",
        "teacher",
        "training_images",
        "skipped",
    }
    names = ["network.json", "summary.md", "tensors.safetensors"]
    assert sorted(path.name for path in network.iterdir()) == names
    assert "accuracy, int8" in (network / "summary.md").read_text()
    result = crisp("evaluate", network, "--out", tmp_path / "evaluation")
    assert result.exit_code == 0, result.stderr
    figures = json.loads((tmp_path / "evaluation" / "evaluate.json").read_text())
    assert figures["accuracy"]["int8"] > 0.5
    assert [entry["name"] for entry in figures["per_class"]] == figures["classes"] == ["3", "8", "5"]
    assert figures["images"] == sum(entry["images"] for entry in figures["per_class"])
    assert figures["source"]["checkpoint"] == str(network)
    summary = (tmp_path / "evaluation" / "summary.md").read_text()
    assert "int8" in summary
    assert "| 8 |" in summary


def test_export_compile_and_inspect_onnx(pruned, network, tmp_path):
    onnx, image = tmp_path / "net.onnx", tmp_path / "net.crisp"
    for arguments in (
        ("export", network, "--out", onnx),
        ("compile", onnx, "--out", image, "--preset", "small"),
        ("export", onnx, "--out", tmp_path / "again"),
        ("export", pruned, "--out", tmp_path / "pruned.safetensors"),
    ):
        result = crisp(*arguments)
        assert result.exit_code == 0, result.stderr
    same = crisp("compile", network, "--out", tmp_path / "same.crisp", "--preset", "small")
    assert same.exit_code == 0, same.stderr
    assert image.read_bytes() == (tmp_path / "same.crisp").read_bytes()
    assert accuracy_of(onnx) == accuracy_of(network)
    figures = [json.loads(crisp("inspect", path, "--json").stdout) for path in (onnx, network)]
    assert [layer["cycles_predicted"] for layer in figures[0]["layers"]] == [
        layer["cycles_predicted"] for layer in figures[1]["layers"]
    ]


@pytest.mark.parametrize("kind", ["pruned", "network", "checkpoint"])
def test_inspect_writes_a_page_of_every_kind_of_model(pruned, network, digits_checkpoint, tmp_path, kind):
    path = {"pruned": pruned, "network": network, "checkpoint": digits_checkpoint}[kind]
    result = crisp("inspect", path, "--preset", "small", "--program", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    names = ["inspect.html", "inspect.json", "summary.md"]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == names
    figures = json.loads((tmp_path / "out" / "inspect.json").read_text())
    assert figures["program"]["cycles"] > 0
    assert figures["totals"]["speedup"] > (1 if kind == "checkpoint" else 2) * 0.99
    assert ("random images" in result.stdout) == (kind != "network")
    page = (tmp_path / "out" / "inspect.html").read_text()
    assert ('class="map"' in page) == (kind != "checkpoint")


def test_pruned_model_and_its_network_have_the_same_cycles(pruned, network):
    one, two = (json.loads(crisp("inspect", path, "--json").stdout) for path in (pruned, network))
    assert [layer["name"] for layer in one["layers"]] == [layer["name"] for layer in two["layers"]]
    assert one["totals"]["cycles_predicted"] == pytest.approx(two["totals"]["cycles_predicted"], rel=0.01)


def test_a_pruned_model_runs_with_its_own_pattern(pruned, tmp_path):
    options = ("--no-rtl", "--preset", "small", "--out", tmp_path, "--json")
    result = crisp("network", pruned, *options)
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["source"] == "a pruned model"
    assert report["totals"]["bit_exact"]
    assert report["input_shape"] == [1, 8, 8]
    sparsity = json.loads((pruned / "prune.json").read_text())["layers"]
    patterns = {layer["name"]: layer["pattern"] for layer in report["layers"] if layer["pattern"]}
    assert patterns.keys() <= {layer["name"] for layer in sparsity}
    assert patterns


def test_state_dicts_of_others(digits_checkpoint, tmp_path):
    weights = tmp_path / "theirs.pth"
    assert crisp("export", digits_checkpoint, "--out", weights).exit_code == 0
    options = ("--weights", weights, "--model", "small-resnet", "--data", "digits", "--image-size", 8)
    result = crisp("evaluate", *options, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["accuracy"] == accuracy_of(digits_checkpoint)
    result = crisp("quantize", *options, "--samples", 16, "--out", tmp_path / "net", "--json")
    assert result.exit_code == 0, result.stderr
    figures = json.loads(result.stdout)["accuracy"]
    assert figures["float"] == pytest.approx(accuracy_of(digits_checkpoint)["all_classes"])
    settings = tmp_path / "settings.toml"
    settings.write_text("iterations = 1\nfinal_epochs = 0\nsparsity = 0.7\nsaliency = 'magnitude'\n")
    prune = ("--classes", "1,2", "--samples", 64, "--no-compare-dense", "--settings", settings, "--n", 2)
    result = crisp("prune", *options, *prune, "--out", tmp_path / "pruned", "--json")
    assert result.exit_code == 0, result.stderr
    chosen = json.loads(result.stdout)["settings"]
    assert (chosen["n"], chosen["sparsity"], chosen["saliency"]) == (2, 0.7, "magnitude")
    source = json.loads(result.stdout)["source"]
    assert (source["weights"], source["model"], source["normalize"]) == (
        str(weights),
        "small-resnet",
        "imagenet",
    )


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
        (["inspect", "TMP"], "neither a packed network (network.json) nor a pruned or trained model"),
        (["demo", "--preset", "huge"], "no preset 'huge'; expected one of tiny"),
        (["verilog", "--preset", "huge"], "no preset 'huge'"),
        (["train", "--epochs", "0"], "`epochs` must be positive, not 0"),
        (["train", "--out", "NETWORK"], "exists and is no trained model"),
        (["cosim", "NETWORK", "--inputs", "none.safetensors"], "none.safetensors: no such file"),
        (["cosim", "a.onnx", "--inputs", "i"], "a.onnx: expected a packed network; `crisp export a.onnx"),
        (["prune", "--classes", "1", "--settings", "no.toml"], "no.toml: cannot be read"),
        (["prune", "--classes", "1", "--method", "best"], "`method` must be one of crisp, dense, nm"),
        (["prune", "--classes", "1", "--method", "channel"], "makes a network of other sizes"),
        (["prune", "CHECKPOINT", "--classes", "1,2", "--out", "NETWORK"], "exists and is not a pruned model"),
        (["prune", "--classes", "1", "--teacher", "best"], "`teacher` must be original or fine-tuned"),
        (
            ["prune", "CHECKPOINT", "--classes", "1,2", "--samples", "9"],
            "18 training images (9 of '1', 9 of '2') are fewer than one batch of 64; expected at least 64: "
            "raise --samples, or lower `batch_size` in the file of --settings",
        ),
        (["prune", "CHECKPOINT", "--classes", ""], "no classes given; expected some of: 0, 1, 2, 3"),
        (["prune", "CHECKPOINT", "--classes", " , "], "no classes given; expected some of: 0, 1, 2, 3"),
        (
            ["prune", "CHECKPOINT", "--classes", "1,2", "--samples", "64", "--method", "nm"],
            "`sparsity` 0.92 cannot be reached: the nearest is 0.7500",
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
        (["quantize", "CHECKPOINT", "--out", "PRUNED"], "exists and is not a packed network"),
        (["evaluate", "--weights", "CHECKPOINT"], "--weights and --model belong together"),
        (["evaluate", "--model", "resnet18"], "--weights and --model belong together"),
        (["evaluate", "--weights", "CHECKPOINT", "--model", "resnet18"], "does not name its data set"),
        (
            ["evaluate", "--weights", "CHECKPOINT", "--model", "resnet18-32px", "--data", "digits"],
            "does not fit ResNet: conv1.weight: absent instead of",
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
