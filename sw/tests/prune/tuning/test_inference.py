"""Logits of the samples, and the checks on them."""

from dataclasses import replace
from typing import NamedTuple

import pytest
import torch
from torch import nn

from crisp_sw.modules.modes import evaluating
from crisp_sw.prune.errors import SamplesError
from crisp_sw.prune.tuning.inference import (
    accuracy,
    collect_logits,
    main_logits,
    require_outputs,
    require_training_outputs,
)
from crisp_sw.prune.tuning.samples import ClassSamples


def test_logits_come_in_order_and_leave_the_mode(mixed_net, samples):
    mixed_net.train()
    logits = collect_logits(mixed_net, samples, batch_size=10)
    assert mixed_net.training
    mixed_net.eval()
    with torch.no_grad():
        whole = mixed_net(samples.normalised(torch.arange(len(samples))))
    torch.testing.assert_close(logits, whole)
    assert torch.equal(mixed_net.bn.running_mean, torch.zeros(16))


def modes(model: nn.Module) -> list[bool]:
    return [module.training for module in model.modules()]


def test_every_module_goes_back_into_its_own_mode(mixed_net, samples):
    mixed_net.train().bn.eval()
    before = modes(mixed_net)
    collect_logits(mixed_net, samples, batch_size=10)
    assert modes(mixed_net) == before
    require_outputs(mixed_net, samples)
    assert modes(mixed_net) == before
    with evaluating(mixed_net):
        assert not any(modes(mixed_net))
    assert modes(mixed_net) == before


def test_modes_survive_a_model_that_fails(mixed_net, samples):
    mixed_net.train().bn.eval()
    before = modes(mixed_net)
    coloured = replace(samples, images=samples.images.expand(-1, 3, -1, -1))
    with pytest.raises(SamplesError, match="the model fails in inference on 1 image"):
        require_outputs(mixed_net, coloured)
    assert modes(mixed_net) == before


class Outputs(NamedTuple):
    logits: torch.Tensor | None
    aux: torch.Tensor


@pytest.mark.parametrize("output", [torch.ones(2, 3), Outputs(torch.ones(2, 3), torch.zeros(2, 3))])
def test_logits_of_an_output(output):
    assert torch.equal(main_logits(output), torch.ones(2, 3))


@pytest.mark.parametrize(
    "output", [(torch.ones(2, 3),), {"logits": torch.ones(2, 3)}, None, Outputs(None, torch.ones(2, 3))]
)
def test_output_without_logits(output):
    message = f"the model's output is a {type(output).__name__}; expected a tensor of logits, or a named tup"
    with pytest.raises(SamplesError, match=message):
        main_logits(output)


def test_model_is_tried_in_training_without_a_trace(mixed_net, samples):
    before = {name: value.clone() for name, value in mixed_net.state_dict().items()}
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    require_training_outputs(mixed_net.eval(), samples, batch=2, outputs=4)
    assert torch.equal(torch.rand(1), expected)
    assert not any(modes(mixed_net))
    assert all(torch.equal(before[name], value) for name, value in mixed_net.state_dict().items())


class MoreInTraining(nn.Module):
    def forward(self, x):
        return torch.zeros(len(x), 5 if self.training else 4)


def test_other_outputs_in_training(samples):
    message = r"the model's output in training is \[5\]; expected \[4\], as otherwise"
    with pytest.raises(SamplesError, match=message):
        require_training_outputs(MoreInTraining(), samples, batch=2, outputs=4)


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
