"""Weights, multiply-accumulates and cycles of small networks, counted by hand."""

import pytest
import torch
from torch import nn

from crisp_spec.config import preset
from crisp_sw.flows.experiment.results.cell_costs import core_costs, float_costs
from crisp_sw.quantize import quantize_model


@pytest.fixture
def model():
    torch.manual_seed(0)
    convolution = nn.Conv2d(3, 8, 3, stride=2, padding=1)
    with torch.no_grad():
        convolution.weight[:, 0] = 0
    layers = (convolution, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))
    return nn.Sequential(*layers).eval()


def test_weights_and_operations_are_counted(model):
    costs = float_costs(model, (3, 8, 8))
    assert (costs.weights, costs.nonzero_weights) == (216 + 16, 144 + 16)
    assert (costs.macs, costs.nonzero_macs) == (216 * 16 + 16, 144 * 16 + 16)
    assert costs.sparsity == 1 - 160 / 232
    assert not model[0]._forward_hooks


def test_core_costs_add_up_all_layers(model):
    network = quantize_model(model, torch.randn(4, 3, 8, 8))
    costs = core_costs(network, preset("tiny"))
    assert costs.bytes_dense == costs.bytes_packed
    assert costs.cycles is not None
    assert costs.cycles_dense is not None
    assert 0 < costs.cycles <= costs.cycles_dense


def test_layer_that_does_not_fit_gives_the_reason():
    model = nn.Sequential(nn.Flatten(), nn.Linear(16 * 16 * 64, 64)).eval()
    costs = core_costs(quantize_model(model, torch.randn(2, 64, 16, 16)), preset("tiny"))
    assert costs.cycles is None
    assert "1" in (costs.does_not_fit or "")
