"""The program ``crisp``: help that teaches, JSON for machines, and what each step leaves for the next."""

import json

import onnx
import pytest

from sw.tests.cli.runner import accuracy_of, crisp, figures_of

COMMANDS = (
    *("demo", "train", "evaluate", "prune", "quantize", "inspect", "export"),
    *("compile", "disasm", "network"),
    *("verilog", "synth", "cosim"),
)


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
    figures = json.loads((pruned / "prune.json").read_text())
    summary = (pruned / "summary.md").read_text()
    assert "| stage3.conv2 |" in summary
    last = figures["iterations"][-1]
    assert f"| {len(figures['iterations'])} | {last['target']:.2%} | {last['sparsity']:.2%} |" in summary
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


def test_evaluate_takes_onnx_files_that_say_nothing(digits_checkpoint, tmp_path):
    """Those of others have no notes: data set and normalization are given, classes are those of the data."""
    network, ours, theirs = tmp_path / "network", tmp_path / "ours.onnx", tmp_path / "theirs.onnx"
    figures_of("quantize", digits_checkpoint, "--out", network, "--samples", 16)
    figures_of("export", network, "--out", ours)
    model = onnx.load(ours)
    del model.metadata_props[:]
    onnx.save(model, theirs)
    for path, options, message in (
        (theirs, ("--data", "digits"), "does not say mean, std of its images; expected --normalize"),
        (theirs, ("--normalize", "data"), "does not say which data set it is for; expected --data"),
        (ours, ("--normalize", "data"), "says how its images are normalised; expected no --normalize data"),
    ):
        result = crisp("evaluate", path, *options)
        assert (result.exit_code, result.stdout) == (2, "")
        assert message in result.stderr
    figures = figures_of("evaluate", theirs, "--data", "digits", "--normalize", "data")
    assert figures["classes"] == list("0123456789")
    assert figures["accuracy"] == accuracy_of(ours)


def test_export_compile_and_inspect_onnx(pruned, network, tmp_path):
    exported, image = tmp_path / "net.onnx", tmp_path / "net.crisp"
    for arguments in (
        ("export", network, "--out", exported),
        ("compile", exported, "--out", image, "--preset", "small"),
        ("export", exported, "--out", tmp_path / "again"),
        ("export", pruned, "--out", tmp_path / "pruned.safetensors"),
    ):
        result = crisp(*arguments)
        assert result.exit_code == 0, result.stderr
    same = crisp("compile", network, "--out", tmp_path / "same.crisp", "--preset", "small")
    assert same.exit_code == 0, same.stderr
    assert image.read_bytes() == (tmp_path / "same.crisp").read_bytes()
    assert accuracy_of(exported) == accuracy_of(network)
    figures = [json.loads(crisp("inspect", path, "--json").stdout) for path in (exported, network)]
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
    prune += ("--batch", 32)
    result = crisp("prune", *options, *prune, "--out", tmp_path / "pruned", "--json")
    assert result.exit_code == 0, result.stderr
    chosen = json.loads(result.stdout)["settings"]
    assert (chosen["n"], chosen["sparsity"], chosen["saliency"]) == (2, 0.7, "magnitude")
    assert chosen["batch_size"] == 32
    source = json.loads(result.stdout)["source"]
    assert (source["weights"], source["model"], source["normalize"]) == (
        str(weights),
        "small-resnet",
        "data",
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
