"""Accuracies of cut networks: of all their classes, of each, and of chosen ones, which they must have."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from crisp_spec.errors import CrispError
from crisp_sw.data import DatasetSplits, ImageSet, load_dataset
from crisp_sw.errors import ClassSelectionError, DatasetError
from crisp_sw.exchange.checkpoint import CheckpointInfo, load_checkpoint, save_checkpoint
from crisp_sw.exchange.onnx import export_onnx
from crisp_sw.exchange.packed import load_network, save_network
from crisp_sw.exchange.pruned_model import PrunedModel, load_pruned, save_pruned
from crisp_sw.flows.inputs import UserClasses, float_models
from crisp_sw.flows.steps import evaluate_step, quantize_pruned
from crisp_sw.flows.steps.evaluate_step import EvaluationError, float_answers, int8_answers
from crisp_sw.train.evaluation import evaluate_subset, predict_logits


@pytest.fixture(scope="module")
def digits() -> DatasetSplits:
    return load_dataset("digits", image_size=8)


def save_cut(checkpoint: Path, splits: DatasetSplits, indices: tuple[int, ...], out: Path) -> Path:
    """Cut a network to some classes, as pruning does."""
    model, info = load_checkpoint(checkpoint)
    user = UserClasses(splits=splits, indices=indices)
    info = replace(info, num_classes=len(user.names), classes=user.names, class_ids=user.ids)
    save_pruned(out, PrunedModel(model=user.restrict(model), info=info, figures={"sparsity": 0.0}))
    return out


@pytest.fixture
def cut(digits_checkpoint, digits, tmp_path) -> Path:
    return save_cut(digits_checkpoint, digits, (8, 3, 5), tmp_path / "cut")


def test_chosen_classes_are_outputs_of_the_cut_network(cut, digits_checkpoint, digits):
    model, info = load_checkpoint(digits_checkpoint)
    figures = float_answers(str(cut), classes="5, 8").evaluation()
    among = [
        evaluate_subset(model, digits.test, info.normalization, classes).subset_outputs
        for classes in ((8, 3, 5), (5, 8))
    ]
    kept = torch.isin(digits.test.labels, torch.tensor([5, 8]))
    logits = predict_logits(model, digits.test.images[kept], info.normalization)[:, [3, 5, 8]]
    best = torch.tensor([3, 5, 8])[logits.argmax(1)]
    assert figures.accuracy.measured() == {
        "pruned": pytest.approx(among[0]),
        "pruned_chosen": pytest.approx(among[1]),
        "pruned_all_outputs": pytest.approx((best == digits.test.labels[kept]).double().mean().item()),
    }
    assert (figures.chosen, figures.chosen_images) == (("5", "8"), int(kept.sum()))


def test_class_that_the_network_lost_is_refused_by_name(cut):
    with pytest.raises(ClassSelectionError, match=r"no output for '4', '7'; expected some of .*: 8, 3, 5$"):
        float_answers(str(cut), classes="4,8,7")
    with pytest.raises(ClassSelectionError, match="no class 'eleven' in digits"):
        float_answers(str(cut), classes="eleven")


def test_every_class_has_its_images_and_accuracy(cut, digits):
    figures = float_answers(str(cut)).evaluation()
    counts = [int((digits.test.labels == label).sum()) for label in (8, 3, 5)]
    assert (figures.classes, figures.class_ids) == (("8", "3", "5"), ("8", "3", "5"))
    assert figures.images == sum(counts)
    assert [(entry.name, entry.images) for entry in figures.per_class] == [
        *zip(("8", "3", "5"), counts, strict=True)
    ]
    right = sum((entry.accuracy or 0) * entry.images for entry in figures.per_class)
    assert right / sum(counts) == pytest.approx(figures.accuracy.pruned)


def test_single_class_is_judged_against_the_others(digits_checkpoint, digits, tmp_path):
    model, info = load_checkpoint(digits_checkpoint)
    whole = float_answers(str(digits_checkpoint), classes="3").evaluation().accuracy
    best = evaluate_subset(model, digits.test, info.normalization, (3,))
    assert (whole.dense, whole.dense_all_outputs) == (best.subset_outputs, best.all_outputs)
    cut = save_cut(digits_checkpoint, digits, (3,), tmp_path / "cut")
    figures = float_answers(str(cut)).evaluation()
    assert figures.classes == ("3", "other")
    assert figures.images == 2 * int((digits.test.labels == 3).sum())
    assert 0.5 < (figures.accuracy.pruned or 0) == pytest.approx(best.subset_outputs)


def test_int8_network_is_judged_alike(cut, digits, tmp_path):
    pruned = load_pruned(cut)
    metadata = {"dataset": "digits", "mean": list(pruned.info.mean), "std": list(pruned.info.std)}
    network = quantize_pruned(pruned, digits, per_class=16)
    save_network(network, tmp_path / "net", {**metadata, "class_ids": ["8", "3", "5"]})
    seen = []
    answers = int8_answers(
        str(tmp_path / "net"), classes="5,8", on_progress=lambda *progress: seen.append(progress)
    )
    figures = answers.evaluation().accuracy
    expected = float_answers(str(cut), classes="5,8").evaluation().accuracy
    assert [getattr(figures, f"int8{name}") for name in ("", "_chosen", "_all_outputs")] == pytest.approx(
        [getattr(expected, f"pruned{name}") for name in ("", "_chosen", "_all_outputs")], abs=0.05
    )
    assert seen[-1][1] == seen[-1][2] == len(answers.labels)
    with pytest.raises(ClassSelectionError, match="no output for '4'"):
        int8_answers(str(tmp_path / "net"), classes="4", on_progress=lambda *_: pytest.fail("it ran"))
    save_network(load_network(tmp_path / "net"), tmp_path / "bare", {"dataset": "digits"})
    with pytest.raises(EvaluationError, match="bare: does not say mean, std of its images; expected --norm"):
        int8_answers(str(tmp_path / "bare"))


@pytest.fixture
def theirs(digits_checkpoint, digits, tmp_path) -> Path:
    """An ONNX file that says nothing about itself, as those of others."""
    network = quantize_pruned(load_pruned(digits_checkpoint), digits, per_class=16)
    export_onnx(replace(network, classes=()), tmp_path / "theirs.onnx")
    return tmp_path / "theirs.onnx"


def test_onnx_file_of_others_is_judged_with_data_and_normalization(theirs, digits):
    figures = int8_answers(str(theirs), "digits", "data").evaluation()
    assert figures.classes == digits.classes
    assert (figures.accuracy.int8 or 0) > 0.8


def coloured(grey: ImageSet) -> ImageSet:
    return replace(grey, images=grey.images.expand(-1, 3, -1, -1))


@pytest.mark.parametrize(
    ("data", "normalize", "message"),
    [
        ("digits", None, "theirs.onnx: does not say mean, std of its images; expected --normalize imagenet"),
        (None, "data", "theirs.onnx: does not say which data set it is for; expected --data"),
        ("digits", "none", "`normalize` must be one of imagenet, data, not 'none'"),
        ("twenty", "data", "theirs.onnx: 10 outputs without names; expected 20, the classes of twenty"),
        ("colours", "data", "colours has images of 3 channels; expected 1 as in .*theirs.onnx"),
    ],
)
def test_onnx_file_of_others_without_what_it_needs(theirs, digits, monkeypatch, data, normalize, message):
    others = {
        "digits": digits,
        "twenty": replace(digits, name="twenty", classes=tuple(map(str, range(20)))),
        "colours": replace(digits, name="colours", train=coloured(digits.train), test=coloured(digits.test)),
    }
    monkeypatch.setattr(evaluate_step, "load_dataset", lambda name, **_: others[name])
    with pytest.raises(CrispError, match=message):
        int8_answers(str(theirs), data, normalize, on_progress=lambda *_: pytest.fail("it ran"))


def test_normalization_that_the_network_says_itself_is_not_given_twice(cut, digits, tmp_path):
    network = quantize_pruned(load_pruned(cut), digits, per_class=1)
    save_network(network, tmp_path / "net", {"dataset": "digits", "mean": [0.3], "std": [0.3]})
    with pytest.raises(EvaluationError, match="net: says how its images are normalised; expected no --norm"):
        int8_answers(str(tmp_path / "net"), normalize="data")


@pytest.mark.parametrize(
    ("entry", "value", "message"),
    [
        ("std", [0.0], "net: `std` must be numbers from 1e-06 to 1, not 0.0"),
        ("std", [float("nan")], "net: `std` must be numbers from 1e-06 to 1, not nan"),
        ("mean", ["a"], "net: `mean` must be numbers from 0 to 1, not 'a'"),
        ("mean", 0.5, "net: `mean` must be a number for each channel, not 0.5"),
        ("mean", [0.5, 0.5, 0.5], "digits has images of 1 channels; expected 3 as in .*net"),
        ("dataset", 7, "made for the data set 7, which is no known name"),
        ("class_ids", 5, "net: `class_ids` must be a list of names, not 5"),
        ("class_ids", [5], r"net: `class_ids` must be a list of names, not \[5\]"),
    ],
)
def test_damaged_metadata_of_an_int8_network_are_named(cut, digits, tmp_path, entry, value, message):
    network = quantize_pruned(load_pruned(cut), digits, per_class=1)
    metadata = {"dataset": "digits", "mean": [0.3], "std": [0.3], entry: value}
    save_network(network, tmp_path / "net", metadata)
    with pytest.raises(CrispError, match=message):
        int8_answers(str(tmp_path / "net"), on_progress=lambda *_: pytest.fail("it ran"))


def test_equal_names_are_told_apart_by_their_ids(digits_checkpoint, digits, tmp_path, monkeypatch):
    names = ("zero", "crane", "crane", *"3456789")
    twins = replace(digits, name="twins", classes=names, class_ids=tuple(f"n{n}" for n in range(10)))
    for module in (float_models, evaluate_step):
        monkeypatch.setattr(module, "load_dataset", lambda *_, **__: twins)
    cut = save_cut(digits_checkpoint, twins, (2, 1), tmp_path / "cut")
    figures = float_answers(str(cut), "twins", classes="n1,2").evaluation()
    assert (figures.classes, figures.class_ids) == (("crane", "crane"), ("n2", "n1"))
    assert (figures.accuracy.pruned or 0) > 0.8
    assert figures.accuracy.pruned_chosen == figures.accuracy.pruned
    pruned = load_pruned(cut)
    network = quantize_pruned(pruned, twins, per_class=16)
    assert network.classes == ("crane", "crane")
    metadata = {"class_ids": list(pruned.info.class_ids), "mean": pruned.info.mean, "std": pruned.info.std}
    save_network(network, tmp_path / "net", metadata)
    assert (int8_answers(str(tmp_path / "net"), "twins").evaluation().accuracy.int8 or 0) > 0.8


def test_folder_that_is_elsewhere_needs_data(digits_checkpoint, tmp_path):
    model, info = load_checkpoint(digits_checkpoint)
    moved: CheckpointInfo = replace(info, dataset="imgs2", data_source="/nowhere/imgs2")
    save_checkpoint(tmp_path / "model.safetensors", model, moved)
    with pytest.raises(
        DatasetError,
        match=r"'imgs2', in /nowhere/imgs2, .*; expected its path as --data",
    ):
        float_answers(str(tmp_path / "model.safetensors"))
    assert float_answers(str(tmp_path / "model.safetensors"), "digits").kind == "all_classes"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_evaluation_on_cuda(cut):
    on_cpu, on_cuda = (float_answers(str(cut), device=device).logits for device in ("cpu", "cuda"))
    torch.testing.assert_close(on_cpu, on_cuda, rtol=1e-3, atol=1e-3)
