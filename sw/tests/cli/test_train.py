"""``crisp train``: what it says before it starts, which runs it continues, and what it leaves."""

import json
import signal
from pathlib import Path

import pytest
import torch

from crisp_sw.train.settings import TrainingSettings
from crisp_sw.train.training import TrainingProgress, run_training
from sw.tests.cli.runner import crisp

OPTIONS = ("--data", "digits", "--epochs", 2, "--no-flip", "--learning-rate", 0.05)
HIGHEST = 2**64 - 1


@pytest.fixture
def interrupted(tmp_path, monkeypatch) -> Path:
    """The state of a run of the options above on images of 8 x 8, beside ``m.safetensors``."""
    monkeypatch.chdir(tmp_path)

    def interrupt(progress: TrainingProgress) -> None:
        if progress.step == 3:
            signal.raise_signal(signal.SIGINT)

    settings = TrainingSettings(epochs=2, flip=False, learning_rate=0.05)
    out = tmp_path / "m.safetensors"
    result = run_training(
        model="small-resnet", data="digits", output=out, settings=settings, image_size=8, progress=interrupt
    )
    assert not result.finished
    return tmp_path / "m.safetensors.state"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--image-size", 12), "image_size = [8, 8]; expected [12, 12]"),
        (("--image-size", 8, "--model", "small-mobilenet-v2"), "expected 'small-mobilenet-v2'"),
        (("--image-size", 8, "--seed", 1), "seed = 0; expected 1"),
    ],
)
def test_another_run_is_not_continued(interrupted, given, message):
    before = interrupted.read_bytes()
    result = crisp("train", *OPTIONS, *given, "--out", "m.safetensors", "--resume")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: m.safetensors.state belongs to a run with ")
    assert message in result.stderr
    assert interrupted.read_bytes() == before
    assert list(interrupted.parent.iterdir()) == [interrupted]


def test_what_happens_to_an_interrupted_run_is_said(interrupted):
    result = crisp("train", *OPTIONS, "--image-size", 8, "--out", "m.safetensors", "--resume")
    assert result.exit_code == 0, result.stderr
    assert "beginning" not in result.stderr
    assert not interrupted.exists()
    result = crisp("train", *OPTIONS, "--image-size", 8, "--out", "m.safetensors", "--resume", "--epochs", 1)
    assert result.exit_code == 0, result.stderr
    assert result.stderr.startswith("no interrupted run in m.safetensors.state: starting from the")


def test_run_from_the_beginning_says_what_it_drops(interrupted):
    result = crisp("train", *OPTIONS, "--image-size", 8, "--out", "m.safetensors", "--epochs", 1)
    assert result.exit_code == 0, result.stderr
    assert result.stderr.startswith(
        "starting from the beginning: the interrupted run in m.safetensors.state, which --resume would "
        "continue, is dropped\n"
    )


def test_figures_have_seconds_and_numbers_of_images(tmp_path):
    out = tmp_path / "model"
    result = crisp("train", *OPTIONS, "--image-size", 8, "--epochs", 1, "--out", out, "--json")
    assert result.exit_code == 0, result.stderr
    figures = json.loads((out / "train.json").read_text())
    assert (figures["training_images"], figures["test_images"]) == (1437, 360)
    assert figures["seconds"] > 0
    assert json.loads(result.stdout)["seconds"] == figures["seconds"]
    summary = (out / "summary.md").read_text()
    assert "- **training images**: 1437" in summary
    assert "- **test images**: 360" in summary
    assert f"- **seconds**: {figures['seconds']:.1f}" in summary


def test_fewer_images_than_a_batch_are_said(tmp_path):
    options = ("--data", "digits", "--image-size", 8, "--epochs", 1, "--batch", 5000)
    result = crisp("train", *options, "--out", tmp_path / "model")
    assert result.exit_code == 0, result.stderr
    said = "1437 training images are fewer than one batch of 5000: every step trains on all of them\n"
    assert result.stderr.startswith(said)


@pytest.mark.parametrize(("fast", "said"), [(True, False), (False, True)])
def test_precision_that_is_emulated_is_said(tmp_path, monkeypatch, fast, said):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": fast})
    result = crisp("train", "--data", tmp_path / "none", "--precision", "bfloat16", "--out", tmp_path / "m")
    assert result.exit_code == 2
    assert ("cpu has no instructions for bfloat16 that are known of" in result.stderr) == said


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--seed", 10**20 - 1), f"`seed` must be an integer from 0 to {HIGHEST}, not {10**20 - 1}"),
        (("--seed", -1), f"`seed` must be an integer from 0 to {HIGHEST}, not -1"),
        (("--crop-padding", 40, "--crop-border", "mirror"), "`crop_padding` must be at most 7 for images"),
        (("--crop-padding", 100_000), "at most 7 for images of 8 x 8 pixels, not 100000"),
        (("--model", "vgg16-32px"), "vgg16-32px cannot take images of 8 x 8 pixels"),
        (("--image-size", 1_000_000), "`image_size` must be at most "),
    ],
)
def test_values_out_of_range_are_one_message(tmp_path, monkeypatch, given, message):
    monkeypatch.chdir(tmp_path)
    result = crisp("train", "--data", "digits", "--image-size", 8, "--epochs", 1, *given)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_highest_seed_trains(tmp_path):
    options = ("--data", "digits", "--image-size", 8, "--epochs", 1, "--seed", HIGHEST)
    result = crisp("train", *options, "--out", tmp_path / "model", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["settings"]["seed"] == HIGHEST
