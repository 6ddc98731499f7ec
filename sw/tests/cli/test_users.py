"""Users' classes and data on the command line: one class, equal names, small classes, pictures left out."""

import json
import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from crisp_sw.flows.inputs import load_task
from crisp_sw.flows.steps import PruneBudget, prune_task
from crisp_sw.prune import settings_of
from sw.tests.cli.runner import crisp, figures_of

SHORT = ("--iterations", 1, "--final-epochs", 0, "--sparsity", 0.7, "--no-compare-dense")


def test_one_class_goes_all_the_way(digits_checkpoint, tmp_path):
    pruned, network = tmp_path / "pruned", tmp_path / "network"
    figures = figures_of(
        "prune", digits_checkpoint, "--classes", "3", "--samples", 32, *SHORT, "--out", pruned
    )
    assert figures["classes"] == ["3", "other"]
    assert (figures["class_ids"], figures["class_indices"]) == (["3"], [3])
    assert figures["accuracy"]["dense"] > 0.8
    assert figures_of("evaluate", pruned)["accuracy"] == {
        "pruned": pytest.approx(figures["accuracy"]["pruned"])
    }
    quantized = figures_of("quantize", pruned, "--samples", 16, "--out", network)
    assert quantized["accuracy"]["float"] == figures["accuracy"]["pruned"]
    evaluated = figures_of("evaluate", network, "--classes", "3")
    assert evaluated["accuracy"]["int8"] == quantized["accuracy"]["int8"]
    assert (evaluated["classes"], evaluated["chosen"]) == (["3", "other"], ["3"])
    exported = figures_of("export", pruned, "--out", tmp_path / "exported")
    assert (exported["classes"], Path(exported["file"]).name) == (["3", "other"], "model.safetensors")
    assert Path(exported["file"]).with_name("masks.safetensors").is_file()
    loading = crisp("export", pruned, "--out", tmp_path / "p.pth").stdout
    assert f"model.load_state_dict(torch.load({str(tmp_path / 'p.pth')!r}))" in loading
    assert figures_of("export", network, "--out", tmp_path / "net.onnx")["format"] == "qdq-onnx"
    assert figures_of("evaluate", tmp_path / "net.onnx")["accuracy"] == {
        "int8": quantized["accuracy"]["int8"]
    }


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three classes, two of which have one name; a picture of each split is damaged."""
    root = tmp_path / "data" / "imgs"
    for split, count in (("train", 4), ("val", 2)):
        for number, name in enumerate(("n1", "n2", "n3")):
            (root / split / name).mkdir(parents=True)
            for index in range(count):
                picture = Image.new("L", (8, 8), 80 * number + index)
                picture.save(root / split / name / f"{index}.png")
        (root / split / "n3" / "1.png").write_bytes(b"no picture")
    (root / "classes.tsv").write_text("n1\tcrane\nn2\tcrane\nn3\tschool bus, bus\n")
    return root


def test_equal_names_and_damaged_pictures(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("CRISP_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    skip = ("--unreadable", "skip")
    refused = crisp("train", "--data", folder)
    assert refused.stderr.startswith(f"error: {folder}/train/n3/1.png: damaged or truncated picture")
    result = crisp("train", "--data", folder, "--epochs", 1, "--batch", 8, *skip, "--out", "model")
    assert result.exit_code == 0, result.stderr
    assert result.stderr.count("skipped ") == 2
    assert "n3/1.png: damaged or truncated picture" in result.stderr
    assert len(json.loads((tmp_path / "model" / "train.json").read_text())["skipped"]) == 2
    settings = tmp_path / "settings.toml"
    settings.write_text("batch_size = 4\n")
    prune = ("prune", "model", "--classes", "1,school bus,bus,0", "--settings", settings, *SHORT)
    for data in ((), ("--data", folder)):
        assert "1.png: damaged or truncated picture" in crisp(*prune, *data).stderr
    result = crisp(*prune, "--data", folder, *skip, "--out", "pruned", "--json")
    assert result.exit_code == 0, result.stderr
    assert "skipped " in result.stderr
    assert "school bus, bus: 3 training images, fewer than 500; repeated" in result.stderr
    figures = json.loads(result.stdout)
    assert (figures["class_ids"], figures["training_images"]) == (["n2", "n3", "n1"], [4, 3, 4])
    (step,) = re.findall("^next: crisp (.*)$", crisp(*prune, *skip, "--out", "pruned").stdout, re.MULTILINE)
    assert step == "quantize pruned --unreadable skip"
    options = ("--data", folder, *skip)
    quantized = figures_of(*shlex.split(step), "--out", "network")
    assert (quantized["class_ids"], len(quantized["skipped"])) == (["n2", "n3", "n1"], 2)
    for path in ("pruned", "network"):
        found = figures_of("evaluate", path, *options, "--classes", "n1,bus")
        assert (found["chosen"], found["images"]) == (["crane", "school bus, bus"], 5)
        assert "damaged or truncated picture" in crisp("evaluate", path, "--data", folder).stderr


def test_diverging_training_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = crisp("train", "--data", "digits", "--image-size", 8, "--epochs", 1, "--learning-rate", 1e30)
    assert result.exit_code == 2
    assert (
        "error: training diverged: after 1 of 11 steps the loss is NaN or infinite; expected" in result.stderr
    )
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_interrupted_run_of_another_seed_is_not_continued(digits_checkpoint, tmp_path):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    settings = settings_of(iterations=1, final_epochs=0, sparsity=0.7)
    task, budget = load_task(digits_checkpoint, "3,8"), PruneBudget(samples_per_class=40, compare_dense=False)
    with pytest.raises(KeyboardInterrupt):
        prune_task(task, settings, budget, interrupt, state_dir=tmp_path / "out.state")
    before = sorted(tmp_path.rglob("*"))
    command = ("prune", digits_checkpoint, "--samples", 40, *SHORT, "--out", tmp_path / "out", "--resume")
    for given, message in (
        (("--classes", "3,8", "--seed", 1), "belongs to a run with seed = 0; expected 1"),
        (("--classes", "3,5"), "belongs to a run with classes = [3, 8]; expected [3, 5]"),
    ):
        result = crisp(*command, *given)
        assert result.exit_code == 2
        assert f"error: {tmp_path / 'out.state' / 'pruned' / 'run.safetensors'} {message}" in result.stderr
        assert sorted(tmp_path.rglob("*")) == before
    anew = crisp(*command[:-1], "--classes", "3,5")
    assert f"starting from the beginning: the interrupted run in {tmp_path / 'out.state'}" in anew.stderr
    assert anew.exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_nothing_to_continue_and_a_target_that_fine_sparsity_exceeds_are_said(digits_checkpoint, tmp_path):
    out, few = tmp_path / "out", ("--classes", "3,8", "--samples", 40, "--no-compare-dense")
    result = crisp("prune", digits_checkpoint, *few, *SHORT[:4], "--sparsity", 0.5, "--out", out, "--resume")
    assert result.exit_code == 0
    assert f"no interrupted run in {tmp_path / 'out.state'}: starting from the beginning" in result.stderr
    assert "1:4 alone prunes 75.0%, more than `sparsity` 0.5: no block will go" in result.stderr
    pruned = json.loads((out / "prune.json").read_text())
    blocks = [(layer["kept_blocks"], layer["total_blocks"]) for layer in pruned["layers"]]
    assert all(kept == total for kept, total in blocks)


@pytest.mark.parametrize("command", ["evaluate", "prune", "quantize"])
def test_examples_name_data_that_can_be_there(command):
    assert "--data imagenet" not in crisp(command, "--help").stdout
