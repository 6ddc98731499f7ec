"""What the settings leave dense, with the reason that counts."""

import pytest
from torch import nn

from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.layers.exclusions import excluded_layers
from crisp_sw.prune.settings.layer_choice import LayerChoice
from crisp_sw.prune.settings.layer_rules import LayerRule


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3),
        nn.BatchNorm2d(16),
        nn.ConvTranspose2d(16, 8, 2),
        nn.Linear(8, 8),
        nn.Linear(8, 4),
    )


@pytest.mark.parametrize(
    ("choices", "reasons"),
    [
        ({}, {}),
        ({"dense_first": True, "dense_classifier": True}, {"0": "the first layer", "4": "the classifier"}),
        ({"exclude": ("[23]",)}, {"2": "excluded by name: [23]", "3": "excluded by name: [23]"}),
        ({"exclude_types": ("Linear",)}, {"3": "excluded by type: Linear", "4": "excluded by type: Linear"}),
        (
            {"dense_first": True, "exclude": ("*",), "rules": (LayerRule(type="Linear", dense=True),)},
            {
                "0": "the first layer",
                "2": "excluded by name: *",
                "3": "dense by the rule for type 'Linear'",
                "4": "dense by the rule for type 'Linear'",
            },
        ),
        (
            {"rules": (LayerRule(name="*", dense=True), LayerRule(name="[0-3]", n=2))},
            {"4": "dense by the rule for name '*'"},
        ),
    ],
    ids=str,
)
def test_reasons(choices, reasons):
    excluded = excluded_layers(network(), LayerChoice(**choices))
    assert list(excluded.items()) == list(reasons.items())


def test_nothing_is_left_dense_in_a_model_without_layers():
    assert excluded_layers(nn.ReLU(), LayerChoice(dense_first=True, dense_classifier=True)) == {}
    with pytest.raises(
        PruneError, match=r"`exclude` pattern 'a' matches no layer; .* \(the model has none\)"
    ):
        excluded_layers(nn.ReLU(), LayerChoice(exclude=("a",)))
