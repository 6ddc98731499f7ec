"""Which layer gets which sparsity: by role, name and type, and never where it cannot apply."""

import re

import pytest
from torch import nn

from crisp_sw.models import build_model
from crisp_sw.prune import LayerRule
from crisp_sw.quantize import lower
from crisp_sw.quantize.lowering.float_network import FloatConv, FloatNetwork
from crisp_sw.synthetic import LayerSparsity, SparsityRules
from crisp_sw.synthetic.errors import NetworkSettingsError
from crisp_sw.synthetic.sparsity_rules import parse_nm

HALF = LayerSparsity(n=2, m=4)
QUARTER = LayerSparsity(n=1, m=4, kept_share=0.5)


def network(name: str = "mobilenet-v2-32px") -> tuple[FloatNetwork, nn.Module]:
    model = build_model(name, in_channels=3, num_classes=10, width=1 / 8)
    return lower(model, (3, 32, 32)), model


def assigned(rules: SparsityRules, name: str = "mobilenet-v2-32px") -> dict[str, LayerSparsity]:
    return rules.assign(*network(name))


def convolutions(lowered: FloatNetwork) -> list[FloatConv]:
    return [layer for layer in lowered.layers if isinstance(layer, FloatConv)]


def test_default_leaves_first_layer_classifier_and_depthwise_layers_dense():
    lowered, model = network()
    found = SparsityRules(default=QUARTER).assign(lowered, model)
    expected = [layer.name for layer in convolutions(lowered)[1:-1] if layer.groups == 1]
    assert list(found) == expected
    assert set(found.values()) == {QUARTER}
    assert len(expected) == 34


def test_first_layer_and_classifier_have_rules_by_their_roles():
    rules = (LayerRule(role="first", n=2), LayerRule(role="classifier", n=1, kept_share=0.5))
    assert assigned(SparsityRules(rules=rules), "resnet18-32px") == {"conv1": HALF, "fc": QUARTER}


def test_later_rules_win_even_over_the_role():
    rules = SparsityRules(
        default=QUARTER,
        rules=(
            LayerRule(name="layer1.*", n=2, kept_share=1.0),
            LayerRule(name="*.conv2", dense=True),
            LayerRule(name="layer1.1.conv2", n=2),
            LayerRule(type="Linear", n=2, kept_share=1.0),
        ),
    )
    found = assigned(rules, "resnet18-32px")
    assert {name for name, sparsity in found.items() if sparsity == HALF} == {
        "layer1.0.conv1",
        "layer1.1.conv1",
        "layer1.1.conv2",
        "fc",
    }
    assert "layer2.0.conv2" not in found
    assert found["layer2.0.conv1"] == QUARTER


def test_rule_cannot_make_a_depthwise_layer_sparse():
    found = assigned(SparsityRules(rules=(LayerRule(name="*", n=2),)))
    assert not any(layer.groups > 1 and layer.name in found for layer in convolutions(network()[0]))
    assert len(found) == 36


def test_everything_kept_is_dense():
    assert assigned(SparsityRules(default=LayerSparsity(n=4, m=4))) == assigned(SparsityRules()) == {}


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            LayerRule(name="layer9.*", n=2),
            "the rule for name 'layer9.*' matches no layer; expected one of conv1",
        ),
        (LayerRule(type="LSTM", n=2), "the rule for type 'LSTM' matches no layer; expected one of conv1"),
        (
            LayerRule(name="fc", n=5),
            "the rules for layer 'fc' do not fit together: `n` must be from 1 to m",
        ),
    ],
)
def test_rules_that_do_not_fit_the_network(rule, message):
    with pytest.raises(NetworkSettingsError, match=re.escape(message)):
        assigned(SparsityRules(rules=(rule,)), "resnet18-32px")


def test_setting_that_is_not_read():
    message = "the rule for name 'fc' sets min_kept_share, which networks that are pruned in one step do not"
    with pytest.raises(NetworkSettingsError, match=message):
        SparsityRules(rules=(LayerRule(name="fc", min_kept_share=0.5),))


@pytest.mark.parametrize(
    ("channels", "taps", "share", "kept"),
    [
        (64, 9, 0.5, 18),
        (64, 9, 1.0, 36),
        (64, 9, 0.01, 1),
        (40, 1, 0.5, 2),  # of three, the nearest
        (16, 1, 0.2, 1),
        (3, 49, 0.5, 49),  # fewer channels than a block: a block is a tap
    ],
)
def test_kept_blocks(channels: int, taps: int, share: float, kept: int):
    assert LayerSparsity(block=16, kept_share=share).kept_blocks(channels, taps) == kept


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n": 0}, "`n` must be from 1 to m = 4, not 0"),
        ({"n": 5}, "`n` must be from 1 to m = 4, not 5"),
        ({"block": 6}, "`block` must be a positive multiple of m = 4 up to 1024, not 6"),
        ({"kept_share": 0.0}, "`kept_share` must be above 0 and at most 1, not 0.0"),
        ({"kept_share": 1.5}, "`kept_share` must be above 0 and at most 1, not 1.5"),
    ],
)
def test_bad_values_are_named(values: dict, message: str):
    with pytest.raises(NetworkSettingsError) as caught:
        LayerSparsity(**values)
    assert str(caught.value) == message


def test_parse_nm():
    assert parse_nm("2:4") == (2, 4)
    for text in ("2", "2:", ":4", "a:b", "-1:4", "1:2:4"):
        with pytest.raises(NetworkSettingsError, match="expected N:M such as 1:4"):
            parse_nm(text)
