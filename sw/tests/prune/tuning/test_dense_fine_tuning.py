"""The dense reference: trained like a pruned model, and resumable."""

import pytest
import torch

from crisp_sw.prune.errors import PruneError, SamplesError
from crisp_sw.prune.settings.prune_settings import settings_of
from crisp_sw.prune.tuning.dense_fine_tuning import fine_tune_dense
from sw.tests.prune.changed_settings import changed

FAST = settings_of(iterations=1, epochs_per_iteration=1, final_epochs=3, learning_rate=0.05, batch_size=16)


class Stop(Exception):
    """Raised in place of an interrupt."""


def test_dense_fine_tuning_learns_and_leaves_the_model_alone(mixed_net, samples):
    before = {name: value.clone() for name, value in mixed_net.state_dict().items()}
    epochs = []
    tuned = fine_tune_dense(
        mixed_net,
        samples,
        changed(FAST, distillation=0.0),
        on_epoch=lambda number, last: epochs.append((number, last)),
    )
    assert [number for number, _ in epochs] == [1, 2, 3, 4]
    assert epochs[-1][1].loss < epochs[0][1].loss / 2
    assert not tuned.training
    assert all(torch.equal(before[name], value) for name, value in mixed_net.state_dict().items())


def test_same_seed_same_weights(mixed_net, samples):
    first, second = (fine_tune_dense(mixed_net, samples, FAST).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_resumed_run_ends_alike(mixed_net, samples, tmp_path):
    def stop(number, last):
        if number == 2:
            raise Stop

    whole = fine_tune_dense(mixed_net, samples, FAST).state_dict()
    with pytest.raises(Stop):
        fine_tune_dense(mixed_net, samples, FAST, state_dir=tmp_path, on_epoch=stop)
    rest = []
    resumed = fine_tune_dense(
        mixed_net,
        samples,
        FAST,
        state_dir=tmp_path,
        resume=True,
        on_epoch=lambda number, _: rest.append(number),
    )
    assert rest == [3, 4]
    assert all(torch.equal(whole[name], value) for name, value in resumed.state_dict().items())
    assert list(tmp_path.iterdir()) == []


def test_divergence_is_reported(mixed_net, samples):
    with pytest.raises(PruneError, match=r"the loss became \S+ at learning rate 1e\+30"):
        fine_tune_dense(mixed_net, samples, changed(FAST, learning_rate=1e30))


def test_fewer_samples_than_a_batch(mixed_net, samples):
    message = "96 samples are fewer than one batch of 97; expected at least 97, or a smaller `batch_size`"
    with pytest.raises(SamplesError, match=message):
        fine_tune_dense(mixed_net, samples, changed(FAST, batch_size=97))
