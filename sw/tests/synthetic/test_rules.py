"""Which layer gets which sparsity: by place, by name, and never where it cannot apply."""

import pytest

from crisp_sw.models import build_model
from crisp_sw.quantize import lower
from crisp_sw.quantize.lowering.float_network import FloatConv, FloatNetwork
from crisp_sw.synthetic import LayerSparsity, SparsityRules
from crisp_sw.synthetic.errors import NetworkSettingsError
from crisp_sw.synthetic.rules import parse_nm

HALF = LayerSparsity(n=2, m=4)
QUARTER = LayerSparsity(n=1, m=4, blocks=0.5)


def network(name: str = "mobilenet-v2-32px") -> FloatNetwork:
    return lower(build_model(name, in_channels=3, num_classes=10, width=1 / 8), (3, 32, 32))


def convolutions(lowered: FloatNetwork) -> list[FloatConv]:
    return [layer for layer in lowered.layers if isinstance(layer, FloatConv)]


def test_default_leaves_first_layer_classifier_and_depthwise_layers_dense():
    lowered = network()
    assigned = SparsityRules(default=QUARTER).assign(lowered)
    expected = [layer.name for layer in convolutions(lowered)[1:-1] if layer.groups == 1]
    assert list(assigned) == expected
    assert set(assigned.values()) == {QUARTER}
    assert len(expected) == 34


def test_first_layer_and_classifier_have_rules_of_their_own():
    assigned = SparsityRules(first=HALF, classifier=QUARTER).assign(network("resnet18-32px"))
    assert assigned == {"conv1": HALF, "fc": QUARTER}


def test_last_matching_override_wins_even_over_the_place():
    rules = SparsityRules(
        default=QUARTER,
        overrides=(("layer1.*", HALF), ("*.conv2", None), ("layer1.1.conv2", HALF), ("fc", HALF)),
    )
    assigned = rules.assign(network("resnet18-32px"))
    assert {name for name, sparsity in assigned.items() if sparsity == HALF} == {
        "layer1.0.conv1",
        "layer1.1.conv1",
        "layer1.1.conv2",
        "fc",
    }
    assert "layer2.0.conv2" not in assigned
    assert assigned["layer2.0.conv1"] == QUARTER


def test_override_cannot_make_a_depthwise_layer_sparse():
    assigned = SparsityRules(overrides=(("*", HALF),)).assign(network())
    assert not any(layer.groups > 1 and layer.name in assigned for layer in convolutions(network()))
    assert len(assigned) == 36


def test_everything_kept_is_dense():
    assert SparsityRules(default=LayerSparsity(n=4, m=4)).assign(network()) == {}


def test_override_that_matches_nothing():
    with pytest.raises(
        NetworkSettingsError, match=r"override 'layer9\.\*' matches no layer; expected one of conv1"
    ):
        SparsityRules(overrides=(("layer9.*", HALF),)).assign(network("resnet18-32px"))


@pytest.mark.parametrize(
    ("channels", "taps", "blocks", "kept"),
    [
        (64, 9, 0.5, 18),
        (64, 9, 1.0, 36),
        (64, 9, 0.01, 1),
        (40, 1, 0.5, 2),  # of three, the nearest
        (16, 1, 0.2, 1),
        (3, 49, 0.5, 49),  # fewer channels than a block: a block is a tap
    ],
)
def test_kept_blocks(channels: int, taps: int, blocks: float, kept: int):
    assert LayerSparsity(block=16, blocks=blocks).kept_blocks(channels, taps) == kept


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n": 0}, "`n` must be from 1 to m = 4, not 0"),
        ({"n": 5}, "`n` must be from 1 to m = 4, not 5"),
        ({"block": 6}, "`block` must be a positive multiple of m = 4 up to 1024, not 6"),
        ({"blocks": 0.0}, "`blocks` must be above 0 and at most 1, not 0.0"),
        ({"blocks": 1.5}, "`blocks` must be above 0 and at most 1, not 1.5"),
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
