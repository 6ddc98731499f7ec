"""Fine-tuning learns, repeats itself, distils, and re-estimates BatchNorm."""

import pytest
import torch
from torch import nn

from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.fine_tuning import distillation_loss, fine_tune, fine_tune_dense, reestimate_batch_norm
from crisp_sw.prune.inference import collect_logits
from crisp_sw.prune.settings import PruneSettings

FAST = PruneSettings(iterations=1, epochs_per_iteration=1, final_epochs=3, learning_rate=0.05, batch_size=16)


def test_dense_fine_tuning_learns_and_leaves_the_model_alone(mixed_net, samples):
    before = {name: value.clone() for name, value in mixed_net.state_dict().items()}
    epochs = []
    settings = PruneSettings(**{**FAST.to_json(), "distillation": 0.0, "exclude": (), "exclude_types": ()})
    tuned = fine_tune_dense(
        mixed_net, samples, settings, on_epoch=lambda number, last: epochs.append((number, last))
    )
    assert [number for number, _ in epochs] == [1, 2, 3, 4]
    assert epochs[-1][1].loss < epochs[0][1].loss / 2
    assert not tuned.training
    assert all(torch.equal(before[name], value) for name, value in mixed_net.state_dict().items())


def test_same_seed_same_weights(mixed_net, samples):
    first, second = (fine_tune_dense(mixed_net, samples, FAST).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_global_random_state_is_left_alone(mixed_net, samples):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    fine_tune_dense(mixed_net, samples, FAST)
    assert torch.equal(torch.rand(1), expected)


def test_divergence_is_reported(mixed_net, samples):
    wild = PruneSettings(learning_rate=1e30, batch_size=16)
    with pytest.raises(
        PruneError, match=r"the loss became \S+ at learning rate 1e\+30; expected a finite number"
    ):
        fine_tune_dense(mixed_net, samples, wild)


def test_distillation_loss_formula():
    logits, targets = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, -1.0]])
    student, teacher = torch.softmax(logits / 2, 1), torch.softmax(targets / 2, 1)
    expected = 4 * (teacher * (teacher / student).log()).sum()
    torch.testing.assert_close(distillation_loss(logits, targets, 2.0), expected)
    assert float(distillation_loss(targets, targets, 2.0)) == 0.0


def test_pure_distillation_follows_the_teacher_not_the_labels(mixed_net, samples):
    settings = PruneSettings(distillation=1.0, learning_rate=0.05, batch_size=16)
    teacher_logits = 4.0 * nn.functional.one_hot((samples.labels + 1) % 4, 4).float()
    generator = torch.Generator().manual_seed(0)
    losses = [
        epoch.loss
        for epoch in fine_tune(
            mixed_net,
            samples,
            settings,
            epochs=6,
            generator=generator,
            teacher_logits=teacher_logits,
            decay=True,
        )
    ]
    assert losses[-1] < losses[0] / 2
    reestimate_batch_norm(mixed_net, samples, batch_size=16)
    answers = collect_logits(mixed_net, samples, batch_size=32).argmax(1)
    assert float((answers == (samples.labels + 1) % 4).float().mean()) > 0.9


def test_batch_norm_statistics_are_plain_averages(samples):
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Dropout(0.9))
    model.train()
    reestimate_batch_norm(model, samples, batch_size=len(samples))
    images = samples.normalised(torch.arange(len(samples)))
    torch.testing.assert_close(model[0].running_mean, images.mean().reshape(1))
    torch.testing.assert_close(model[0].running_var, images.var().reshape(1))
    assert model[0].momentum == 0.1
    assert not model[0].training
