"""The rules of a run on the layers of a model: which speak of a layer, and whether all are of use."""

import pytest
from torch import nn

from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.layers.prunable_layers import select_layers
from crisp_sw.prune.settings.layer_rules import LayerRule
from crisp_sw.prune.settings.methods import CrispPruning


def selected(model, *rules, **choices):
    settings = CrispPruning.of(block=8, rules=rules, min_kept_share=0.0, **choices)
    prunable, dense = select_layers(model, settings)
    return {layer.name: layer for layer in prunable}, {layer.name: layer.reason for layer in dense}


def test_later_rules_win_where_both_speak(mixed_net):
    layers, dense = selected(
        mixed_net,
        LayerRule(type="Conv2d", n=2, min_kept_blocks=3),
        LayerRule(name="g*", n=3),
        LayerRule(name="linear", type="Linear", dense=True),
    )
    assert {name: (layer.n, layer.least_blocks) for name, layer in layers.items()} == {
        "conv": (2, 3),
        "pointwise": (2, 3),
        "grouped": (3, 3),
    }
    assert dense["linear"] == "dense by the rule for name 'linear' and type 'Linear'"


def test_layer_with_its_own_pattern_and_floor(mixed_net):
    layers, _ = selected(mixed_net, LayerRule(name="linear", m=8, block=16, min_kept_share=1.0))
    layer = layers["linear"]
    assert (layer.m, layer.grid.block, layer.grid.block_columns, layer.floor.min_kept_share) == (
        8,
        16,
        2,
        1.0,
    )
    # Uniform pruning to 92% at 1:8 keeps 64% of the blocks.
    assert layer.least_blocks == 1


def test_first_layer_and_classifier_stay_dense(mixed_net):
    layers, dense = selected(mixed_net, dense_first=True, dense_classifier=True)
    assert list(layers) == ["conv", "pointwise", "grouped"]
    assert (dense["stem"], dense["linear"]) == ("the first layer", "the classifier")


def test_convolution_that_classifies_stays_dense():
    model = nn.Sequential(nn.Conv2d(16, 32, 3), nn.Conv2d(32, 16, 1))
    layers, dense = selected(model, dense_classifier=True)
    assert (list(layers), dense) == (["0"], {"1": "the classifier"})


def test_rules_speak_of_roles(mixed_net):
    layers, dense = selected(
        mixed_net,
        LayerRule(role="classifier", n=3),
        LayerRule(role="first", dense=True),
        small_layers="hybrid",
    )
    assert {name: layer.n for name, layer in layers.items()} == {
        **{"conv": 1, "pointwise": 1, "grouped": 1},
        "linear": 3,
    }
    assert dense["stem"] == "dense by the rule for role 'first'"


def test_role_that_cannot_be_told():
    with pytest.raises(
        PruneError, match="the first, as none runs as a module of its own; expected its `name`"
    ):
        selected(nn.Sequential(nn.ReLU()), LayerRule(role="first", n=2))


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            LayerRule(name="bn", dense=True),
            "the rule for name 'bn' names 'bn', a BatchNorm2d, which cannot be pruned; expected a Conv",
        ),
        (
            LayerRule(type="Dropout", n=1),
            "the rule for type 'Dropout' names 'dropout', a Dropout, which cannot be pruned",
        ),
        (
            LayerRule(name="head.*", n=1),
            "the rule for name 'head.*' matches no layer; expected one of stem, conv, depthwise, ",
        ),
        (
            LayerRule(name="conv", block=6),
            "the rules for layer 'conv' do not fit together: `block` must be a multiple of m = 4, not 6",
        ),
    ],
)
def test_rules_that_do_not_fit_the_model(mixed_net, rule, message):
    with pytest.raises(PruneError) as error:
        selected(mixed_net, rule)
    assert str(error.value).startswith(message)


DEPTHWISE = "the rule for name 'depthwise' sets n, but matches only layers that stay dense (depthwise: "
ONE_PRUNED = "); expected one that is pruned: conv, pointwise, grouped"


@pytest.mark.parametrize(
    ("rules", "choices", "message"),
    [
        ([LayerRule(name="depthwise", n=2)], {}, f"{DEPTHWISE}depthwise convolution{ONE_PRUNED}, linear"),
        (
            [LayerRule(name="stem", m=8, min_kept_share=0.5)],
            {},
            "the rule for name 'stem' sets m, min_kept_share, but matches only layers that stay dense "
            f"(stem: too small: 1 input channels and 9 block(s) per block-row with B = 8{ONE_PRUNED}, linear",
        ),
        (
            [LayerRule(name="linear", block=32)],
            {},
            "the rule for name 'linear' sets block, but matches only layers that stay dense (linear: too "
            f"small: 32 input channels and 1 block(s) per block-row with B = 32{ONE_PRUNED}",
        ),
        (
            [LayerRule(type="Linear", n=2)],
            {"dense_classifier": True},
            "the rule for type 'Linear' sets n, but matches only layers that stay dense (linear: the "
            f"classifier{ONE_PRUNED}",
        ),
        (
            [LayerRule(name="depthwise", dense=True), LayerRule(name="depthwise", n=2)],
            {},
            f"{DEPTHWISE}depthwise convolution{ONE_PRUNED}, linear",
        ),
    ],
)
def test_rule_for_layers_that_stay_dense_alone(mixed_net, rules, choices, message):
    with pytest.raises(PruneError) as error:
        selected(mixed_net, *rules, **choices)
    assert str(error.value) == message


@pytest.mark.parametrize(
    "rules",
    [
        [LayerRule(name="*", n=2)],
        [LayerRule(name="*wise", n=2)],
        [LayerRule(type="Conv2d", block=16)],
        [LayerRule(name="depthwise", dense=True)],
        [LayerRule(name="depthwise")],
        [LayerRule(type="Linear", n=2), LayerRule(name="linear", dense=True)],
    ],
    ids=str,
)
def test_rule_that_is_of_use_or_harmless(mixed_net, rules):
    layers, _ = selected(mixed_net, *rules)
    assert "pointwise" in layers
