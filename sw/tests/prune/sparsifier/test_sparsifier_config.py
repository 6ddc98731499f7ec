"""The config of the sparsifier: a rule for each entry, and a message for what is none."""

import pytest

from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.layers.prunable_layers import sort_layers
from crisp_sw.prune.settings.layer_rules import LayerRule
from crisp_sw.prune.settings.methods import CrispPruning
from crisp_sw.prune.sparsifier.sparsifier_config import module_name, weight_name, with_config

SETTINGS = CrispPruning.of(block=8, rules=(LayerRule(name="conv", n=3),))


def test_entries_alone_are_pruned_and_come_after_the_rules(mixed_net):
    config = ({"tensor_fqn": "linear.weight"}, {"tensor_fqn": "conv.weight", "n": 2})
    prunable, _ = sort_layers(mixed_net, with_config(SETTINGS, mixed_net, config))
    assert [(layer.name, layer.n) for layer in prunable] == [("conv", 2), ("linear", 1)]


def test_names_of_weights_and_modules():
    assert [weight_name(name) for name in ("a.b", "")] == ["a.b.weight", "weight"]
    assert [module_name(name) for name in ("a.b.weight", "weight")] == ["a.b", ""]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (["3.weight"], '`config` must be a list of mappings such as {"tensor_fqn": .*; .3.weight. is none'),
        ([{"tensor_fqn": "conv.weight"}, None], "`config` must be a list of mappings .*; None is none"),
        ("conv.weight", "`config` must be a list of mappings such as .*, not 'conv.weight'"),
        ({"conv.weight": {"n": 2}}, r"`config` must be a list of mappings such as .*, not {'conv.weight': {"),
        (
            [{"tensor_fqn": "conv.weight", "n": 1}, {"tensor_fqn": "conv.weight", "n": 2}],
            "`config` names 'conv.weight' twice; expected each weight once",
        ),
        ([{"tensor_fqn": "head.weight"}], "the model has no weight 'head.weight'"),
        ([{"tensor_fqn": "conv.weight", "n": 0}], "`n` must be an integer of at least 1, not 0"),
    ],
    ids=str,
)
def test_config_that_is_none(mixed_net, config, message):
    with pytest.raises(PruneError, match=message):
        with_config(SETTINGS, mixed_net, config)
