"""Runs that are interrupted at any moment end as if they had not been."""

import copy
from dataclasses import replace

import pytest
import torch

from crisp_files.atomic_files import OutputFileError
from crisp_sw.errors import CheckpointError
from crisp_sw.exchange.checkpoint import read_tensors, write_tensors
from crisp_sw.prune import (
    LayerRule,
    PruneError,
    PruneSettings,
    fine_tune_dense,
    prune_for_classes,
    settings_of,
)
from crisp_sw.prune.run.run_state import STATE_FILE
from sw.tests.prune.changed_settings import changed

SETTINGS = settings_of(
    n=2,
    block=8,
    sparsity=0.75,
    iterations=2,
    epochs_per_iteration=2,
    final_epochs=2,
    batch_size=16,
    min_kept_share=0.0,
    flip=True,
    gradient="sr-ste",
    nm_choice="every-step",
    unlabelled_batch=4,
)


@pytest.fixture
def samples(samples):
    """The samples with a transfer set."""
    return replace(samples, unlabelled=255 - samples.images)


class Stop(Exception):
    """Raised in place of an interrupt."""


def interrupted(model, samples, directory, *, after: int, settings: PruneSettings = SETTINGS) -> None:
    events = []

    def count(progress):
        events.append(progress)
        if len(events) == after:
            raise Stop

    with pytest.raises(Stop):
        prune_for_classes(model, samples, settings, state_dir=directory, on_progress=count)


@pytest.mark.parametrize("method", ["crisp", "dense", "channel"])
def test_a_run_that_is_kept_nowhere_cannot_be_resumed_or_kept(mixed_net, samples, method):
    settings = changed(SETTINGS, method=method)
    for prune in (prune_for_classes, fine_tune_dense):
        with pytest.raises(PruneError, match="`resume` without `state_dir` has no effect; expected a dir"):
            prune(mixed_net, samples, settings, resume=True)
        with pytest.raises(
            PruneError, match="`keep_state` without `state_dir` has no effect; expected a dir"
        ):
            prune(mixed_net, samples, settings, keep_state=True)
    with pytest.raises(PruneError, match="`resume` must be true or false, not 'yes'"):
        prune_for_classes(mixed_net, samples, settings, resume="yes")  # pyright: ignore[reportArgumentType]
    with pytest.raises(PruneError, match="`state_dir` must be a path, not 3"):
        prune_for_classes(mixed_net, samples, settings, state_dir=3)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("place", ["/proc/here", "file/below", "zero\0byte", "long" * 100])
def test_places_that_cannot_be_written_to_are_named_before_training(mixed_net, samples, tmp_path, place):
    (tmp_path / "file").touch()
    events = []
    for prune in (prune_for_classes, fine_tune_dense):
        with pytest.raises(OutputFileError, match="cannot be written"):
            prune(mixed_net, samples, SETTINGS, state_dir=tmp_path / place)
    with pytest.raises(OutputFileError, match="cannot be written"):
        prune_for_classes(
            mixed_net, samples, SETTINGS, state_dir=str(tmp_path / place), on_progress=events.append
        )
    assert events == []
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_states_that_are_no_tensors_are_named_before_training(mixed_net, samples, tmp_path):
    class Noted(type(mixed_net)):
        def get_extra_state(self):
            return {"steps": 1}

        def set_extra_state(self, state):
            pass

    events = []
    with pytest.raises(CheckpointError, match="the state '_extra_state' of Noted is a dict, which cannot"):
        prune_for_classes(Noted(), samples, SETTINGS, state_dir=tmp_path, on_progress=events.append)
    assert events == []


def test_resumed_run_ends_alike(mixed_net, samples, tmp_path):
    whole = prune_for_classes(mixed_net, samples, SETTINGS)
    # After a pruning step, within an iteration, at its end, and in the final epochs.
    for after in (1, 2, 3, 4, 7):
        interrupted(mixed_net, samples, tmp_path, after=after)
        rest = []
        resumed = prune_for_classes(
            mixed_net, samples, SETTINGS, state_dir=tmp_path, resume=True, on_progress=rest.append
        )
        assert len(rest) == 8 - after
        assert resumed.report == whole.report
        for name, value in whole.model.state_dict().items():
            assert torch.equal(resumed.model.state_dict()[name], value), name
        assert list(tmp_path.iterdir()) == []


def test_without_resume_it_starts_again(mixed_net, samples, tmp_path):
    interrupted(mixed_net, samples, tmp_path, after=3)
    events = []
    prune_for_classes(mixed_net, samples, SETTINGS, state_dir=tmp_path, on_progress=events.append)
    assert len(events) == 8


def other_weights(model):
    other = copy.deepcopy(model)
    with torch.no_grad():
        other.stem.weight[0, 0, 0, 0] += 1
    return other


@pytest.mark.parametrize("method", ["crisp", "dense", "channel"])
@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            lambda model, samples, run: {"settings": run.with_values(learning_rate=0.5)},
            r"belongs to a run with learning_rate = 0\.02; expected 0\.5",
        ),
        (
            lambda model, samples, run: {"samples": replace(samples, classes=(7, 8, 4, 2))},
            r"belongs to a run with classes = \[7, 8, 4, 1\]; expected \[7, 8, 4, 2\]",
        ),
        (
            lambda model, samples, run: {"samples": replace(samples, mean=(0.5,))},
            r"belongs to a run with mean = \[0\.25\]; expected \[0\.5\]",
        ),
        (
            lambda model, samples, run: {"samples": replace(samples, std=(0.5,))},
            r"belongs to a run with std = \[0\.25\]; expected \[0\.5\]",
        ),
        (
            lambda model, samples, run: {"model": other_weights(model), "teacher": model},
            "belongs to a run with another model; expected the same architecture and weights",
        ),
        (
            lambda model, samples, run: {"teacher": other_weights(model)},
            "belongs to a run with another teacher; expected the same architecture and weights",
        ),
        (
            lambda model, samples, run: {"samples": replace(samples, images=255 - samples.images)},
            "belongs to a run with other images; expected the same ones",
        ),
        (
            lambda model, samples, run: {"samples": replace(samples, labels=samples.labels.flip(0))},
            "belongs to a run with other labels; expected the same ones",
        ),
        (
            lambda model, samples, run: {"samples": replace(samples, unlabelled=samples.images)},
            "belongs to a run with other unlabelled images; expected the same ones",
        ),
    ],
    ids=["settings", "classes", "mean", "std", "model", "teacher", "images", "labels", "unlabelled"],
)
def test_state_of_another_run_is_refused(mixed_net, samples, tmp_path, method, other, message):
    if method == "channel":
        pytest.importorskip("torch_pruning")
    run = changed(
        SETTINGS, method=method, iterations=1, epochs_per_iteration=1, final_epochs=1, batch_size=96
    )
    samples = replace(samples, classes=(7, 8, 4, 1))
    interrupted(mixed_net, samples, tmp_path, after=1, settings=run)
    arguments = {"model": mixed_net, "samples": samples, "settings": run, **other(mixed_net, samples, run)}
    with pytest.raises(PruneError, match=message):
        prune_for_classes(**arguments, state_dir=tmp_path, resume=True)


def test_teacher_that_is_not_asked_may_be_another(mixed_net, samples, tmp_path):
    run = SETTINGS.with_values(distillation=0.0, unlabelled_batch=0)
    interrupted(mixed_net, samples, tmp_path, after=3, settings=run)
    teacher = other_weights(mixed_net)
    prune_for_classes(mixed_net, samples, run, teacher=teacher, state_dir=tmp_path, resume=True)


def test_transfer_set_that_is_not_used_may_be_another(mixed_net, samples, tmp_path):
    run = SETTINGS.with_values(unlabelled_batch=0)
    interrupted(mixed_net, samples, tmp_path, after=3, settings=run)
    prune_for_classes(mixed_net, replace(samples, unlabelled=None), run, state_dir=tmp_path, resume=True)


def test_state_of_another_version(mixed_net, samples, tmp_path):
    interrupted(mixed_net, samples, tmp_path, after=1)
    tensors, header = read_tensors(tmp_path / STATE_FILE)
    del header["identity"]["teacher"]
    write_tensors(tmp_path / STATE_FILE, tensors, header)
    with pytest.raises(
        PruneError, match="belongs to a run of another version; expected one that knows `teacher`"
    ):
        prune_for_classes(mixed_net, samples, SETTINGS, state_dir=tmp_path, resume=True)


def test_state_of_the_time_when_all_methods_had_the_same_settings(mixed_net, samples, tmp_path):
    settings = SETTINGS.with_values(rules=(LayerRule(name="conv", n=2),))
    whole = prune_for_classes(mixed_net, samples, settings)
    interrupted(mixed_net, samples, tmp_path, after=2, settings=settings)
    tensors, header = read_tensors(tmp_path / STATE_FILE)
    header["identity"]["rules"] = [{"name": "conv", "type": None, "dense": False, "n": 2, "m": None}]
    header["identity"]["a_setting_of_other_methods"] = 1
    write_tensors(tmp_path / STATE_FILE, tensors, header)
    events = []
    resumed = prune_for_classes(
        mixed_net, samples, settings, state_dir=tmp_path, resume=True, on_progress=events.append
    )
    assert resumed.report == whole.report
    assert len(events) < settings.training.total_epochs + settings.training.iterations
    assert torch.equal(resumed.model.get_parameter("conv.weight"), whole.model.get_parameter("conv.weight"))


def test_damaged_state(mixed_net, samples, tmp_path):
    (tmp_path / STATE_FILE).write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="not a readable safetensors file"):
        prune_for_classes(mixed_net, samples, SETTINGS, state_dir=tmp_path, resume=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"identity": [1]}, "not the state of a pruning run; expected one of `crisp prune`"),
        ({"state": None}, r"not the state of a pruning run \(`state` must be an object, not None\)"),
        (
            {"state": {"epoch": 1}},
            r"not the state of a pruning run \(`state` must be an object of it",
        ),
    ],
)
def test_header_of_a_state_that_is_damaged(mixed_net, samples, tmp_path, change, message):
    interrupted(mixed_net, samples, tmp_path, after=1)
    tensors, header = read_tensors(tmp_path / STATE_FILE)
    write_tensors(tmp_path / STATE_FILE, tensors, {**header, **change})
    with pytest.raises(CheckpointError, match=message):
        prune_for_classes(mixed_net, samples, SETTINGS, state_dir=tmp_path, resume=True)


def test_momentum_of_another_shape(mixed_net, samples, tmp_path):
    interrupted(mixed_net, samples, tmp_path, after=2)
    tensors, header = read_tensors(tmp_path / STATE_FILE)
    name = next(name for name in tensors if name.startswith("momentum."))
    write_tensors(tmp_path / STATE_FILE, {**tensors, name: torch.zeros(1)}, header)
    with pytest.raises(CheckpointError, match=r"the momentum of .* has the shape \(1,\); expected"):
        prune_for_classes(mixed_net, samples, SETTINGS, state_dir=tmp_path, resume=True)
