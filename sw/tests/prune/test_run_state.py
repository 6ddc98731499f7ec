"""Runs that are interrupted at any moment end as if they had not been."""

from dataclasses import replace

import pytest
import torch

from crisp_sw.errors import CheckpointError
from crisp_sw.prune import PruneError, PruneSettings, prune_for_classes
from crisp_sw.prune.run_state import STATE_FILE

SETTINGS = PruneSettings(
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
)


class Stop(Exception):
    """Raised in place of an interrupt."""


def interrupted(model, samples, directory, *, after: int) -> None:
    events = []

    def count(progress):
        events.append(progress)
        if len(events) == after:
            raise Stop

    with pytest.raises(Stop):
        prune_for_classes(model, samples, SETTINGS, state_dir=directory, on_progress=count)


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


def test_state_of_another_run(mixed_net, samples, tmp_path):
    interrupted(mixed_net, samples, tmp_path, after=3)
    other = replace(SETTINGS, sparsity=0.7)
    with pytest.raises(PruneError, match=r"belongs to a run with sparsity = 0\.75; expected 0\.7"):
        prune_for_classes(mixed_net, samples, other, state_dir=tmp_path, resume=True)
    with torch.no_grad():
        mixed_net.stem.weight[0, 0, 0, 0] += 1
    with pytest.raises(PruneError, match="belongs to a run with model = "):
        prune_for_classes(mixed_net, samples, SETTINGS, state_dir=tmp_path, resume=True)


def test_damaged_state(mixed_net, samples, tmp_path):
    (tmp_path / STATE_FILE).write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="not a readable safetensors file"):
        prune_for_classes(mixed_net, samples, SETTINGS, state_dir=tmp_path, resume=True)
