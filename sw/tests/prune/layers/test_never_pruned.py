"""Layers that no method prunes, and how many weights they have."""

import pytest
from torch import nn
from torch.nn.utils import parametrizations

from crisp_sw.prune.layers.never_pruned import other_layers


@pytest.mark.parametrize(
    ("module", "weights"),
    [
        (nn.Conv1d(3, 4, 5), 60),
        (nn.Conv3d(3, 4, 1), 12),
        (nn.Embedding(7, 6), 42),
        (nn.LSTM(3, 5), 4 * 5 * (3 + 5)),
        (nn.Bilinear(2, 3, 4), 24),
        (parametrizations.weight_norm(nn.Conv1d(3, 4, 5)), 60),
    ],
    ids=lambda value: type(value).__name__,
)
def test_weights_of_a_layer(module, weights):
    others = other_layers(nn.Sequential(nn.BatchNorm2d(3), module, nn.PReLU(3)))
    assert {name: layer.weights for name, layer in others.items()} == {"1": weights}
    assert others["1"].reason.endswith(": only Conv2d and Linear can be pruned")
    assert not others["1"].reason.startswith("Parametrized")


def test_layers_that_can_be_pruned_are_no_others():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Linear(4, 4), parametrizations.weight_norm(nn.Linear(4, 4)))
    assert other_layers(model) == {}
    attention = other_layers(nn.MultiheadAttention(8, 2))
    assert {name: layer.weights for name, layer in attention.items()} == {"": 3 * 8 * 8}
