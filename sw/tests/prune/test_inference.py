"""Logits of the samples, and the checks on them."""

import pytest
import torch
from torch import nn

from crisp_sw.prune.errors import SamplesError
from crisp_sw.prune.inference import accuracy, collect_logits, require_outputs
from crisp_sw.prune.samples import ClassSamples


def test_logits_come_in_order_and_leave_the_mode(mixed_net, samples):
    mixed_net.train()
    logits = collect_logits(mixed_net, samples, batch_size=10)
    assert mixed_net.training
    mixed_net.eval()
    with torch.no_grad():
        whole = mixed_net(samples.normalised(torch.arange(len(samples))))
    torch.testing.assert_close(logits, whole)
    assert torch.equal(mixed_net.bn.running_mean, torch.zeros(16))


def test_label_without_an_output():
    samples = ClassSamples(images=torch.zeros(2, 1, 2, 2), labels=torch.tensor([0, 3]))
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    with pytest.raises(
        SamplesError, match=r"label 3 does not fit the model's output \[3\]; expected .* 4 logits"
    ):
        collect_logits(model, samples, batch_size=2)


def test_output_that_is_no_row_of_logits():
    samples = ClassSamples(images=torch.zeros(2, 1, 2, 2), labels=torch.tensor([0, 0]))
    with pytest.raises(SamplesError, match=r"does not fit the model's output \[1, 2, 2\]"):
        collect_logits(nn.Sequential(nn.Conv2d(1, 1, 1)), samples, batch_size=2)


def test_model_without_parameters_reads_images_as_they_are(samples):
    assert require_outputs(nn.Flatten(), samples) == 64


def test_accuracy():
    logits = torch.tensor([[0.0, 1.0], [2.0, 1.0], [0.0, 3.0], [1.0, 0.0]])
    assert accuracy(logits, torch.tensor([1, 0, 0, 0])) == 0.75
