"""Options that say nothing, or two things, are refused; what is recorded is what was used."""

from pathlib import Path

import pytest

from sw.tests.cli.runner import crisp, figures_of

FOREIGN = ("--model", "small-resnet", "--data", "digits", "--image-size", 8)
HIGHEST = 2**64 - 1
PRUNE = ("--classes", "1,2")


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


@pytest.mark.parametrize("given", [(), ("--normalize", "data")])
def test_normalization_of_grey_images_is_recorded_as_used(weights, given):
    options = ("--weights", weights, *FOREIGN, *given)
    assert figures_of("evaluate", *options)["source"]["normalize"] == "data"
    quantized = figures_of("quantize", *options, "--samples", 8, "--out", "network")
    assert quantized["source"]["normalize"] == "data"


@pytest.mark.parametrize("command", ["evaluate", "quantize"])
def test_normalization_of_other_images_is_refused(weights, tmp_path, command):
    message = "`normalize` imagenet is for images of 3 channels; expected data, as digits has 1"
    arguments = (command, "--weights", weights, *FOREIGN, "--normalize", "imagenet")
    assert_refused(arguments, message, tmp_path)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--samples", 0), "`samples` must be from 1 to 1,000,000 images of each class, not 0"),
        (("--samples", -5), "`samples` must be from 1 to 1,000,000 images of each class, not -5"),
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "--crop-padding", 0, "--crop-border", "mirror"), "--crop-border mirror has no effect"),
        (("train", "--unreadable", "skip"), "`unreadable` skip has no effect on fashion-mnist"),
        (("evaluate", "CHECKPOINT", "--unreadable", "skip"), "`unreadable` skip has no effect on digits"),
        (("evaluate", "CHECKPOINT", "--normalize", "data"), "--normalize data belongs to --weights"),
        (("evaluate", "--device", "cpu:99"), "no device 'cpu:99' here; expected one of cpu"),
        (("quantize", "CHECKPOINT", "--normalize", "imagenet"), "--normalize imagenet belongs to --weights"),
        (("prune", "CHECKPOINT", *PRUNE, "--normalize", "data"), "--normalize data belongs to --weights"),
        (("prune", "CHECKPOINT", *PRUNE, "--weights", "w.pth", *FOREIGN), "are two models; expected one"),
        (
            ("prune", *PRUNE, "--method", "dense", "--sparsity", 0.9),
            "`sparsity` 0.9 has no effect on the method",
        ),
        (("prune", *PRUNE, "--method", "block", "--n", 2), "`n` 2 has no effect on the method 'block'"),
        (("prune", *PRUNE, "--method", "unstructured", "--n", 2), "`n` 2 has no effect on the method"),
        (
            ("prune", *PRUNE, "--settings", "alone.toml", "--teacher", "fine-tuned"),
            "--teacher fine-tuned has no effect: `distillation` is 0",
        ),
        (
            ("network", "resnet18", "--no-rtl", "--dense-too"),
            "`--dense-too` has no effect: `--no-rtl` runs nothing on the RTL",
        ),
    ],
)
def test_options_without_effect(digits_checkpoint, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alone.toml").write_text("distillation = 0.0\n")
    given = [digits_checkpoint if argument == "CHECKPOINT" else argument for argument in arguments]
    assert_refused(tuple(given), message, tmp_path)


HUGE = 10**400


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("train", "--learning-rate", 1e308),
            "`learning_rate` must be above 0 and at most 3e+38, not 1e+308",
        ),
        (("train", "--learning-rate", "nan"), "`learning_rate` must be above 0 and at most 3e+38, not nan"),
        (("train", "--epochs", HUGE), "`epochs` must be above 0 and at most 1e+06, not 1"),
        (("train", "--batch", HUGE), "`batch` must be above 0 and at most 1e+06, not 1"),
        (("train", "--weight-decay", "inf"), "`weight_decay` must be from 0 to 1, 1 excluded, not inf"),
        (("train", "--label-smoothing", "-inf"), "`label_smoothing` must be from 0 to 1, 1 excluded"),
        (("train", "--data", "digits", "--crop-padding", HUGE), "`crop_padding` must be at most"),
        (("train", "--data", "digits", "--image-size", HUGE), "`image_size` must be at most"),
        (("prune", *PRUNE, "--samples", HUGE), "`samples_per_class` must be at most 1000000000"),
        (("prune", *PRUNE, "--iterations", HUGE), "`iterations` must be at most 65536"),
        (("prune", *PRUNE, "--final-epochs", HUGE), "`final_epochs` must be at most 1000000000"),
        (("prune", *PRUNE, "--block", HUGE), "`block` must be at most 1024"),
        (("prune", *PRUNE, "--sparsity", "inf"), "`sparsity` must be from 0 below 1, not inf"),
        (("prune", *PRUNE, "--settings", "huge.toml"), "huge.toml: not valid TOML (an integer of 1329 bits"),
        (("quantize", "CHECKPOINT", "--samples", HUGE), "`samples` must be from 1 to 1,000,000 images"),
        (("network", "resnet18", "--blocks", "nan"), "`blocks` must be above 0 and at most 1, not nan"),
        (
            ("network", "resnet18", "--block-size", 1 << 30),
            "`block` must be a positive multiple of m = 4 up to",
        ),
        (("network", "resnet18", "--nm", f"1:{HUGE}"), "expected N:M such as 1:4, not '1:1000"),
        (("network", "resnet18", "--width", "inf"), "`width` must be above 0 and at most 16, not inf"),
        (("network", "resnet18", "--num-classes", HUGE), "`num_classes` must be from 2 to 100000, not 1000"),
        (
            ("network", "resnet18", "--image-size", 20_000),
            "makes images of 1,200,000,000 values; expected at",
        ),
        (("network", "resnet18", "--latency", HUGE), "Invalid value for '--latency'"),
    ],
)
def test_numbers_out_of_range(digits_checkpoint, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "huge.toml").write_text(f"seed = {HUGE}\n")
    given = [digits_checkpoint if argument == "CHECKPOINT" else argument for argument in arguments]
    result = crisp(*given)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in result.stderr


def test_evaluate_without_a_path_takes_the_shipped_checkpoint():
    assert "small_resnet_fashion_mnist" in crisp("evaluate", "--help").stdout
    assert "no class 'T-shirt/top' in digits" in crisp("evaluate", "--data", "digits").stderr
