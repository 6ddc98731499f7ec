"""Training on digits: it learns, it is repeatable, and an interrupted run ends as an undisturbed one."""

import copy
import signal
from dataclasses import replace

import pytest
import torch
from PIL import Image
from torch import nn

from crisp_sw.data import DatasetSplits, ImageSet, load_dataset
from crisp_sw.errors import CheckpointError, DatasetError, ModelError, TrainingError
from crisp_sw.exchange.checkpoint import load_checkpoint, read_tensors, write_tensors
from crisp_sw.train.evaluation import evaluate
from crisp_sw.train.training import TrainingSettings, _Trainer, run_training, train

SETTINGS = TrainingSettings(epochs=2, batch=32, crop_padding=0, flip=False, learning_rate=0.05)


@pytest.fixture(scope="module")
def splits():
    whole = load_dataset("digits", image_size=8)
    return replace(whole, train=ImageSet(whole.train.images[:320], whole.train.labels[:320]))


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 10),
    )


def interrupt_after(step):
    def progress(report):
        if report.step == step:
            signal.raise_signal(signal.SIGINT)

    return progress


def assert_same_weights(first, second):
    expected = second.state_dict()
    assert list(first.state_dict()) == list(expected)
    assert all(torch.equal(value, expected[name]) for name, value in first.state_dict().items())


def test_network_learns_the_digits(splits):
    model = network()
    seen = []
    result = train(model, splits, replace(SETTINGS, epochs=6), seen.append)
    assert result.finished
    assert result.accuracy > 0.9
    assert result.accuracy == evaluate(model, splits.test, splits.normalization)
    assert [progress.step for progress in seen] == list(range(1, 61))
    assert [progress.report for progress in seen if progress.report] == list(result.history)
    assert result.history[-1].loss < result.history[0].loss
    assert not model.training


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_equal_seeds_give_equal_weights(splits, precision):
    models = [network(), network()]
    for model in models:
        train(model, splits, replace(SETTINGS, precision=precision, epochs=1))
    assert_same_weights(*models)


def test_other_seed_gives_other_weights(splits):
    models = [network(), network()]
    for seed, model in enumerate(models):
        train(model, splits, replace(SETTINGS, seed=seed, epochs=1))
    weights = [model.state_dict()["0.weight"] for model in models]
    assert not torch.equal(*weights)


@pytest.mark.parametrize("step", [1, 10, 13])
def test_interrupted_run_continues_bit_for_bit(splits, tmp_path, step):
    state = tmp_path / "run.state"
    undisturbed = network()
    expected = train(undisturbed, splits, SETTINGS)
    first = train(network(), splits, SETTINGS, interrupt_after(step), state_file=state)
    assert not first.finished
    assert state.exists()
    resumed = network(seed=9)
    result = train(resumed, splits, SETTINGS, state_file=state, resume=True)
    assert result == expected
    assert_same_weights(resumed, undisturbed)
    assert list(tmp_path.iterdir()) == []


def test_dropout_continues_bit_for_bit(splits, tmp_path):
    def with_dropout():
        return nn.Sequential(*network()[:-1], nn.Dropout(0.5), nn.Linear(256, 10))

    torch.manual_seed(0)
    undisturbed = with_dropout()
    resumed = copy.deepcopy(undisturbed)
    train(undisturbed, splits, SETTINGS)
    options = {"state_file": tmp_path / "run.state"}
    train(resumed, splits, SETTINGS, interrupt_after(13), **options)
    torch.rand(1)  # another program's use of the global generator
    train(resumed, splits, SETTINGS, **options, resume=True)
    assert_same_weights(resumed, undisturbed)


@pytest.mark.parametrize("epochs", [1, 2])
def test_diverging_run_stops_with_the_reason_and_leaves_nothing(splits, tmp_path, epochs):
    settings = replace(SETTINGS, epochs=epochs, learning_rate=1e30)
    with pytest.raises(
        TrainingError, match=r"training diverged: after \d of \d+ steps the loss is NaN .* below 1e\+30"
    ):
        train(network(), splits, settings, state_file=tmp_path / "run.state")
    assert list(tmp_path.iterdir()) == []


def test_network_that_overflows_after_its_last_step_is_no_success(splits):
    few = replace(splits, train=ImageSet(splits.train.images[:8], splits.train.labels[:8]))
    with pytest.raises(TrainingError, match="after 1 of 1 steps the output for a test image is NaN"):
        train(network(), few, replace(SETTINGS, epochs=1, learning_rate=1e38, schedule="cosine"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_training_on_cuda(splits, tmp_path):
    model = network().cuda()
    train(model, splits, SETTINGS, interrupt_after(13), state_file=tmp_path / "run.state")
    resumed = network(seed=9).cuda()
    result = train(resumed, splits, SETTINGS, state_file=tmp_path / "run.state", resume=True)
    assert result.accuracy > 0.5


def test_interrupt_handler_is_put_back(splits):
    before = signal.getsignal(signal.SIGINT)
    train(network(), splits, SETTINGS, interrupt_after(1))
    assert signal.getsignal(signal.SIGINT) is before


def test_state_of_other_settings_is_refused(splits, tmp_path):
    state = tmp_path / "run.state"
    train(network(), splits, SETTINGS, interrupt_after(1), state_file=state)
    with pytest.raises(TrainingError, match=r"run\.state belongs to a run with epochs = 2; expected 3"):
        train(network(), splits, replace(SETTINGS, epochs=3), state_file=state, resume=True)


def changed_state(path, **identity):
    """Give a saved state other fields, or take away those that are None."""
    tensors, header = read_tensors(path)
    fields = {**header["identity"], **identity}
    fields = {name: value for name, value in fields.items() if value is not None}
    write_tensors(path, tensors, {**header, "identity": fields})


def test_state_of_other_images_is_refused(splits, tmp_path):
    state = tmp_path / "run.state"
    train(network(), splits, SETTINGS, interrupt_after(1), state_file=state)
    before = state.read_bytes()
    images = splits.train.images.clone()
    images[7, 0, 3, 3] += 1
    for other in (
        replace(splits, train=replace(splits.train, images=images)),
        replace(splits, test=splits.train),
        replace(splits, classes=tuple("abcdefghij")),
    ):
        with pytest.raises(TrainingError, match="other images or classes; expected the same ones"):
            train(network(), other, SETTINGS, state_file=state, resume=True)
    assert state.read_bytes() == before


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("image_size", [12, 12], r"image_size = \[12, 12\]; expected \[8, 8\]"),
        ("model", "resnet18", "model = 'resnet18'; expected 'Sequential'"),
        ("dataset", "mnist", "dataset = 'mnist'; expected 'digits'"),
        ("images", 5, "images = 5; expected 320"),
        ("seed", 3, "seed = 3; expected 0"),
    ],
)
def test_state_of_another_run_is_refused_by_what_differs(splits, tmp_path, field, value, message):
    state = tmp_path / "run.state"
    train(network(), splits, SETTINGS, interrupt_after(1), state_file=state)
    changed_state(state, **{field: value})
    with pytest.raises(TrainingError, match=rf"run\.state belongs to a run with {message}"):
        train(network(), splits, SETTINGS, state_file=state, resume=True)


def test_state_of_another_version_is_refused(splits, tmp_path):
    state = tmp_path / "run.state"
    train(network(), splits, SETTINGS, interrupt_after(1), state_file=state)
    changed_state(state, data=None)
    message = r"run\.state belongs to a run of another version; expected one that knows `data`"
    with pytest.raises(TrainingError, match=message):
        train(network(), splits, SETTINGS, state_file=state, resume=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"identity": [1]}, "not the state of a training; expected one of `crisp train`"),
        (
            {"state": {"step": 1}},
            r"not the state of a training \(`state` must be an object of step, loss_sum",
        ),
        ({"state": None}, r"not the state of a training \(`state` must be an object, not None\)"),
        ({"state": {"step": 1, "history": [], "speed": 2}}, "not the state of a training"),
        ({"state": {"step": 1, "history": [3]}}, "not the state of a training"),
    ],
)
def test_header_of_a_state_that_is_damaged(splits, tmp_path, change, message):
    state = tmp_path / "run.state"
    train(network(), splits, SETTINGS, interrupt_after(1), state_file=state)
    tensors, header = read_tensors(state)
    write_tensors(state, tensors, {**header, **change})
    with pytest.raises(CheckpointError, match=rf"run\.state: {message}"):
        train(network(), splits, SETTINGS, state_file=state, resume=True)


def test_seconds_before_an_interrupt_count(splits, tmp_path, monkeypatch):
    ticks = iter(range(0, 10**6, 3))
    monkeypatch.setattr("crisp_sw.train.training.time.perf_counter", lambda: float(next(ticks)))
    state = tmp_path / "run.state"
    first = train(network(), splits, SETTINGS, interrupt_after(13), state_file=state)
    assert first.seconds == 13 * 3
    assert train(network(), splits, SETTINGS, state_file=state, resume=True).seconds == 20 * 3


def test_damaged_state_is_named(splits, tmp_path):
    state = tmp_path / "run.state"
    state.write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match=r"run\.state: not a readable safetensors file"):
        train(network(), splits, SETTINGS, state_file=state, resume=True)


def test_fewer_images_than_a_batch_are_one_batch(splits):
    few = ImageSet(splits.train.images[:5], splits.train.labels[:5])
    seen, said = [], []
    train(network(), replace(splits, train=few), replace(SETTINGS, epochs=3), seen.append, say=said.append)
    assert [progress.step for progress in seen] == [1, 2, 3]
    assert said == [
        "5 training images are fewer than one batch of 32: every step trains on all of them",
    ]


def test_a_whole_batch_is_nothing_to_say(splits):
    few = ImageSet(splits.train.images[:32], splits.train.labels[:32])
    said = []
    train(network(), replace(splits, train=few), replace(SETTINGS, epochs=1), say=said.append)
    assert said == []


@pytest.mark.parametrize(("border", "padding"), [("mirror", 8), ("mirror", 40), ("black", 100_000)])
def test_crops_outside_of_the_images_are_refused(splits, tmp_path, border, padding):
    settings = replace(SETTINGS, crop_border=border, crop_padding=padding)
    with pytest.raises(
        TrainingError, match=f"`crop_padding` must be at most 7 for images of 8 x 8 pixels, not {padding}"
    ):
        train(network(), splits, settings, state_file=tmp_path / "run.state")
    assert list(tmp_path.iterdir()) == []


def test_batch_of_one_that_batch_norm_refuses(splits):
    model = nn.Sequential(network(), nn.BatchNorm1d(10))
    with pytest.raises(TrainingError, match=r"cannot train on a batch of 1 image \(.*\); expected a `batch`"):
        train(model, splits, replace(SETTINGS, batch=1))
    few = replace(splits, train=ImageSet(splits.train.images[:2], splits.train.labels[:2]))
    alone = train(network(), few, replace(SETTINGS, batch=1, epochs=1, learning_rate=1e-4))
    assert alone.finished


def test_batch_of_one_is_tried_without_a_trace(splits):
    few = replace(splits, train=ImageSet(splits.train.images[:1], splits.train.labels[:1]))
    model = nn.Sequential(network(), nn.Dropout(0.5))
    before, state = copy.deepcopy(model), torch.get_rng_state()
    _Trainer(model, few, SETTINGS, "toy").require_trainable()
    assert_same_weights(model, before)
    assert torch.equal(torch.get_rng_state(), state)


def test_images_too_small_for_the_network_are_refused_before_any_step(tmp_path):
    with pytest.raises(ModelError, match=r"^vgg16-32px cannot take images of 8 x 8 pixels \([^\n]*\)$"):
        run_training(
            model="vgg16-32px",
            data="digits",
            image_size=8,
            output=tmp_path / "model.safetensors",
            settings=SETTINGS,
            progress=lambda _: pytest.fail("it ran"),
        )
    assert list(tmp_path.iterdir()) == []


def test_run_writes_a_checkpoint_only_when_finished(tmp_path, splits, monkeypatch):
    monkeypatch.setattr("crisp_sw.train.training.load_dataset", lambda *_, **__: splits)
    output = tmp_path / "new" / "model.safetensors"

    def run(**options):
        return run_training(
            model="small-resnet",
            data="digits",
            output=output,
            settings=SETTINGS,
            command="crisp train ...",
            **options,
        )

    assert not run(progress=interrupt_after(3)).finished
    assert [file.name for file in output.parent.iterdir()] == ["model.safetensors.state"]
    result = run(resume=True)
    assert [file.name for file in output.parent.iterdir()] == ["model.safetensors"]
    model, info = load_checkpoint(output)
    assert info.accuracy == result.accuracy == evaluate(model, splits.test, info.normalization)
    assert (info.dataset, info.classes, info.command) == ("digits", splits.classes, "crisp train ...")
    assert info.settings["epochs"] == 2


def test_run_without_output_leaves_the_writing_to_the_caller(tmp_path, splits, monkeypatch):
    monkeypatch.setattr("crisp_sw.train.training.load_dataset", lambda *_, **__: splits)
    options = {"model": "small-resnet", "data": "digits", "settings": replace(SETTINGS, epochs=1)}
    state = tmp_path / "model.state"
    first = run_training(**options, output=None, state_file=state, progress=interrupt_after(3))
    assert not first.finished
    assert [file.name for file in tmp_path.iterdir()] == ["model.state"]
    trained = run_training(**options, output=None, state_file=state, resume=True)
    assert list(tmp_path.iterdir()) == []
    assert trained.info.accuracy == evaluate(trained.network, splits.test, splits.normalization)
    assert trained.info.class_ids == splits.ids


def test_unknown_data_set_leaves_nothing_behind(tmp_path):
    with pytest.raises(DatasetError, match="no data set 'digit'"):
        run_training(model="small-resnet", data="digit", output=tmp_path / "m", settings=SETTINGS)
    assert list(tmp_path.iterdir()) == []


def test_data_set_without_images_is_refused(splits: DatasetSplits):
    nothing = ImageSet(splits.train.images[:0], splits.train.labels[:0])
    with pytest.raises(TrainingError, match="no training images in digits; expected at least 1"):
        train(network(), replace(splits, train=nothing), SETTINGS)


def test_balanced_order_evens_out_the_classes(splits):
    few = (splits.train.labels != 0) | (torch.arange(len(splits.train)) < 40)
    uneven = replace(splits, train=ImageSet(splits.train.images[few], splits.train.labels[few]))
    largest = int(uneven.train.labels.bincount().max())
    seen = []
    result = train(network(), uneven, replace(SETTINGS, epochs=1, balanced=True), seen.append)
    assert result.finished
    assert seen[-1].steps == 10 * largest // SETTINGS.batch


def test_history_is_kept_in_the_checkpoint(tmp_path):
    path = tmp_path / "model.safetensors"
    settings = replace(SETTINGS, epochs=1, batch=256)
    result = run_training(model="small-resnet", data="digits", output=path, settings=settings, image_size=8)
    (epoch,) = load_checkpoint(path)[1].history
    assert epoch == {"epoch": 1, "loss": result.history[0].loss, "accuracy": result.accuracy}


def test_pictures_that_cannot_be_read_are_skipped_and_named(tmp_path):
    for split, name in ((split, name) for split in ("train", "val") for name in ("a", "b")):
        (tmp_path / "toy" / split / name).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (8, 8)).save(tmp_path / "toy" / split / name / f"{number}.png")
    (tmp_path / "toy" / "train" / "a" / "1.png").write_bytes(b"no picture")
    options = {
        "model": "small-resnet",
        "data": str(tmp_path / "toy"),
        "output": tmp_path / "model.safetensors",
        "settings": replace(SETTINGS, epochs=1, batch=4),
        "cache": tmp_path / "cache",
    }
    with pytest.raises(DatasetError, match=r"1\.png: damaged or truncated picture"):
        run_training(**options)
    result = run_training(**options, unreadable="skip")
    assert result.finished
    assert "1.png: damaged or truncated picture" in result.skipped[0]
