"""Rules by themselves: what they speak of, what they say, and mistakes by name."""

import pytest

from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.settings.layer_rules import LayerRule, merged_overrides, rules_from_json
from crisp_sw.prune.settings.methods import CrispPruning


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        (LayerRule(name="layer1.*"), True),
        (LayerRule(name="layer2.*"), False),
        (LayerRule(type="Conv2d"), True),
        (LayerRule(name="layer1.*", type="Linear"), False),
        (LayerRule(role="first"), True),
        (LayerRule(role="classifier", type="Conv2d"), False),
    ],
    ids=str,
)
def test_rule_speaks_of_what_fits_all_that_is_given(rule, matches):
    assert rule.matches("layer1.0.conv1", "Conv2d", ["first"]) == matches


def test_rules_add_up_and_later_ones_win():
    rules = (LayerRule(name="a", n=2, block=8), LayerRule(type="b", n=3), LayerRule(role="first", dense=True))
    assert merged_overrides(rules) == {"n": 3, "block": 8}


def test_json_has_what_a_rule_says_and_no_more():
    rule = LayerRule(name="fc", role="classifier", n=2, min_kept_share=0.0)
    assert rule.to_json() == {"name": "fc", "role": "classifier", "n": 2, "min_kept_share": 0.0}
    assert rules_from_json([rule.to_json(), {"type": "Linear", "dense": True}]) == (
        rule,
        LayerRule(type="Linear", dense=True),
    )


def test_setting_that_no_method_reads_is_refused():
    message = "the rule for name 'conv' sets kept_share, which no method of pruning reads; expected one of n"
    with pytest.raises(PruneError, match=message):
        CrispPruning.of(rules=(LayerRule(name="conv", kept_share=0.5),))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "a LayerRule needs a `name` pattern, a `type` or a `role`; expected at least one of them"),
        ({"name": "a", "n": 0}, "`n` must be an integer of at least 1, not 0"),
        ({"name": "a", "min_kept_share": 2}, "`min_kept_share` must be from 0 to 1, not 2"),
    ],
)
def test_bad_rule_is_named(values, message):
    with pytest.raises(PruneError) as error:
        LayerRule(**values)
    assert str(error.value) == message
