"""BatchNorm's statistics are re-estimated on the samples."""

import torch
from torch import nn

from crisp_sw.prune.settings.fine_tuning_settings import FineTuning
from crisp_sw.prune.tuning.batch_norm import finish_batch_norm, reestimate_batch_norm


def test_batch_norm_statistics_are_plain_averages(samples):
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Dropout(0.9))
    model.train()
    reestimate_batch_norm(model, samples, batch_size=len(samples))
    images = samples.normalised(torch.arange(len(samples)))
    torch.testing.assert_close(model[0].running_mean, images.mean().reshape(1))
    torch.testing.assert_close(model[0].running_var, images.var().reshape(1))
    assert model[0].momentum == 0.1
    assert not model[0].training


def test_running_statistics_can_stay(samples):
    norm = nn.BatchNorm2d(1)
    model = nn.Sequential(norm).train()
    finish_batch_norm(model, samples, FineTuning.of(batch_norm="running"))
    assert torch.equal(norm.state_dict()["running_mean"], torch.zeros(1))
    assert not norm.training
    finish_batch_norm(model, samples, FineTuning.of())
    assert not torch.equal(norm.state_dict()["running_mean"], torch.zeros(1))
