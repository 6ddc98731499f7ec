"""Options that say nothing, or two things, are refused; what is recorded is what was used."""

from pathlib import Path

import pytest

from sw.tests.cli.runner import crisp, figures_of

FOREIGN = ("--model", "small-resnet", "--data", "digits", "--image-size", 8)
HIGHEST = 2**64 - 1


@pytest.fixture
def weights(digits_checkpoint, tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    figures_of("export", digits_checkpoint, "--out", "theirs.pth")
    for file in tmp_path.glob("theirs.pth.*"):
        file.unlink()
    return Path("theirs.pth")


def assert_refused(arguments: tuple[object, ...], message: str, folder: Path) -> None:
    before = sorted(folder.iterdir())
    result = crisp(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("command", ["evaluate", "quantize"])
def test_two_models_are_refused(weights, digits_checkpoint, tmp_path, command):
    message = f"{digits_checkpoint} and --weights theirs.pth are two models; expected one of them"
    assert_refused((command, digits_checkpoint, "--weights", weights, *FOREIGN), message, tmp_path)


@pytest.mark.parametrize("command", ["evaluate", "quantize"])
def test_size_of_a_model_that_knows_its_own_is_refused(digits_checkpoint, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    message = "--image-size 12 belongs to --weights; expected it there only"
    assert_refused((command, digits_checkpoint, "--image-size", 12), message, tmp_path)


@pytest.mark.parametrize("command", ["evaluate", "quantize", "prune"])
def test_normalization_of_a_model_that_knows_its_own_is_refused(
    digits_checkpoint, tmp_path, monkeypatch, command
):
    monkeypatch.chdir(tmp_path)
    classes = ("--classes", "3") if command == "prune" else ()
    message = "--normalize data belongs to --weights; expected it there only"
    assert_refused((command, digits_checkpoint, *classes, "--normalize", "data"), message, tmp_path)


@pytest.mark.parametrize("given", ["imagenet", "data"])
def test_normalization_of_grey_images_is_recorded_as_used(weights, given):
    options = ("--weights", weights, *FOREIGN, "--normalize", given)
    assert figures_of("evaluate", *options)["source"]["normalize"] == "data"
    quantized = figures_of("quantize", *options, "--samples", 8, "--out", "network")
    assert quantized["source"]["normalize"] == "data"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--samples", 0), "`samples` must be at least 1 image of each class, not 0"),
        (("--samples", -5), "`samples` must be at least 1 image of each class, not -5"),
        (("--seed", 10**20 - 1), f"`seed` must be an integer from 0 to {HIGHEST}, not {10**20 - 1}"),
        (("--seed", -1), f"`seed` must be an integer from 0 to {HIGHEST}, not -1"),
    ],
)
def test_calibration_out_of_range(digits_checkpoint, tmp_path, monkeypatch, given, message):
    monkeypatch.chdir(tmp_path)
    assert_refused(("quantize", digits_checkpoint, *given), message, tmp_path)


@pytest.mark.parametrize("command", [("demo", "--classes", "1"), ("network", "resnet18"), ("train",)])
@pytest.mark.parametrize("seed", [10**20 - 1, -1])
def test_seed_out_of_range(tmp_path, monkeypatch, command, seed):
    monkeypatch.chdir(tmp_path)
    message = f"`seed` must be an integer from 0 to {HIGHEST}, not {seed}"
    assert_refused((*command, "--seed", seed), message, tmp_path)


@pytest.mark.parametrize("seed", [10**20 - 1, -1])
def test_seed_of_pruning_out_of_range(digits_checkpoint, tmp_path, monkeypatch, seed):
    monkeypatch.chdir(tmp_path)
    message = f"`seed` must be an integer from 0 to {HIGHEST}, not {seed}"
    assert_refused(("prune", digits_checkpoint, "--classes", "1,2", "--seed", seed), message, tmp_path)


@pytest.mark.parametrize(("border", "padding"), [("mirror", 40), ("black", 100_000)])
def test_crop_of_pruning_out_of_range(digits_checkpoint, tmp_path, monkeypatch, border, padding):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "settings.toml").write_text(f'crop_padding = {padding}\ncrop_border = "{border}"\n')
    options = ("--classes", "1,2", "--settings", "settings.toml", "--samples", 100)
    message = f"`crop_padding` must be at most 7 for images of 8 x 8 pixels, not {padding}"
    assert_refused(("prune", digits_checkpoint, *options), message, tmp_path)


def test_evaluate_without_a_path_takes_the_shipped_checkpoint():
    assert "small_resnet_fashion_mnist" in crisp("evaluate", "--help").stdout
    assert "no class 'T-shirt/top' in digits" in crisp("evaluate", "--data", "digits").stderr
