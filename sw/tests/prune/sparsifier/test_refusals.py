"""What the sparsifier refuses: models, configs, settings, calls in the wrong order, gradients."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from crisp_sw.prune.errors import MaskError, PruneError, SaliencyError, UnreachableSparsityError
from crisp_sw.prune.settings.layer_rules import LayerRule
from crisp_sw.prune.sparsifier.sparsifier import CrispSparsifier
from sw.tests.prune.sparsifying import CHOICES, backward, half_way, prepared


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            [{"tensor_fqn": "bn.weight"}],
            "names 'bn', a BatchNorm2d, which cannot be pruned; expected a Con",
        ),
        ([{"tensor_fqn": "depthwise.weight"}], "'depthwise.weight' cannot be pruned: depthwise convolution"),
        ([{"tensor_fqn": "head.weight"}], "the model has no weight 'head.weight'"),
        ([{"tensor_fqn": "conv.bias"}], "`tensor_fqn` must be the name of a weight, .* not 'conv.bias'"),
        ([{"n": 2}], "`tensor_fqn` must be the name of a weight, such as 'conv1.weight', not None"),
        (
            [{"tensor_fqn": "conv.weight", "rank": 2}],
            "'rank' is no setting of a layer; expected one of n,",
        ),
    ],
)
def test_config_that_does_not_fit(mixed_net, config, message):
    with pytest.raises(PruneError, match=message):
        prepared(mixed_net, config)
    assert not any(parametrize.is_parametrized(module) for module in mixed_net.modules())


def test_rules_are_those_of_layers_that_are_pruned(mixed_net):
    rules = (LayerRule(name="depthwise", n=1),)
    message = "the rule for name 'depthwise' sets n, but matches only layers that stay dense"
    with pytest.raises(PruneError, match=message):
        prepared(mixed_net, rules=rules)
    assert not any(parametrize.is_parametrized(module) for module in mixed_net.modules())
    # A config leaves all others dense, whatever rules they have.
    prepared(mixed_net, [{"tensor_fqn": "linear.weight"}], rules=rules, sparsity=0.6)


def test_unreachable_target_leaves_the_model_alone(mixed_net):
    with pytest.raises(UnreachableSparsityError, match=r"`sparsity` 0\.75 cannot be reached"):
        prepared(mixed_net, n=4, min_kept_blocks=20)
    assert not any(parametrize.is_parametrized(module) for module in mixed_net.modules())


def test_settings_that_make_no_sense():
    with pytest.raises(PruneError, match=r"no setting 'sparsty'; did you mean 'sparsity'\?"):
        CrispSparsifier(sparsty=0.9)
    with pytest.raises(PruneError, match="method 'channel' has no masks; expected one that does"):
        CrispSparsifier(method="channel")


CALLS = {
    "accumulate": lambda sparsifier, model: sparsifier.accumulate(),
    "step": lambda sparsifier, model: sparsifier.step(0.6),
    "update_mask": lambda sparsifier, model: sparsifier.update_mask(model.conv, "weight"),
    "freeze": lambda sparsifier, model: sparsifier.freeze(),
    "squash_mask": lambda sparsifier, model: sparsifier.squash_mask(),
    "load_state_dict": lambda sparsifier, model: sparsifier.load_state_dict(sparsifier.state_dict()),
    "sparsity": lambda sparsifier, model: sparsifier.sparsity(),
    "patterns": lambda sparsifier, model: sparsifier.patterns(),
}


@pytest.mark.parametrize("call", CALLS)
def test_calls_before_prepare(mixed_net, call):
    sparsifier = CrispSparsifier(**CHOICES, saliency="magnitude")
    with pytest.raises(PruneError, match=f"`{call}` has no model to work on; expected `prepare` before it"):
        CALLS[call](sparsifier, mixed_net)
    assert (sparsifier.steps, sparsifier.frozen) == (0, False)
    sparsifier.prepare(mixed_net)
    sparsifier.step()
    assert sparsifier.sparsity() > 0.5


@pytest.mark.parametrize("call", CALLS)
def test_calls_after_squashing(mixed_net, call):
    sparsifier = prepared(mixed_net, saliency="magnitude")
    sparsifier.step()
    sparsifier.squash_mask()
    before, sparsity = copy.deepcopy(mixed_net.state_dict()), sparsifier.sparsity()
    if call in ("sparsity", "patterns"):
        CALLS[call](sparsifier, mixed_net)
    else:
        message = f"`{call}` after `squash_mask`, which removed the masks; expected it before that"
        with pytest.raises(PruneError, match=message):
            CALLS[call](sparsifier, mixed_net)
    assert (sparsifier.steps, sparsifier.frozen, sparsifier.sparsity()) == (1, False, sparsity)
    assert all(torch.equal(before[name], value) for name, value in mixed_net.state_dict().items())


def test_layers_that_were_replaced_are_named(mixed_net):
    sparsifier = prepared(mixed_net, saliency="magnitude")
    mixed_net.conv = nn.Sequential(mixed_net.conv)  # wrapped, not replaced
    sparsifier.step(0.6)
    masks = {name: layer.mask for name, layer in sparsifier.layers.items()}
    mixed_net.linear = nn.Linear(32, 4)
    for call in (lambda: sparsifier.step(0.7), sparsifier.squash_mask):
        with pytest.raises(
            PruneError, match="layer 'linear' is no longer in the model; expected `prepare` a"
        ):
            call()
    assert all(torch.equal(layer.mask, masks[name]) for name, layer in sparsifier.layers.items())
    assert not sparsifier.squashed


def test_second_model_is_refused(mixed_net):
    sparsifier = prepared(mixed_net)
    with pytest.raises(PruneError, match="the sparsifier has a model already; expected one `prepare` per"):
        sparsifier.prepare(nn.Linear(32, 32))


def test_gradients_that_are_missing_or_not_finite(mixed_net, samples):
    sparsifier = prepared(mixed_net)
    with pytest.raises(SaliencyError, match="no weight has a gradient; expected `accumulate` after `backw"):
        sparsifier.accumulate()
    with pytest.raises(SaliencyError, match="no gradients since the last step"):
        sparsifier.step()
    backward(mixed_net, samples)
    mixed_net.pointwise.parametrizations.weight.original.grad[0] = float("nan")
    with pytest.raises(SaliencyError, match="the gradient of 'pointwise' is NaN or infinite"):
        sparsifier.accumulate()
    assert not any("gradient" in values for values in sparsifier.state.values())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("what", ["weight", "gradient"])
def test_what_is_no_longer_finite_after_accumulate_chooses_no_mask(mixed_net, samples, what, value):
    sparsifier = half_way(mixed_net, samples)
    before = {name: layer.mask for name, layer in sparsifier.layers.items()}
    spoiled = {
        "weight": sparsifier.layers["grouped"].weight.detach(),
        "gradient": sparsifier.state["grouped.weight"]["gradient"],
    }[what]
    good = spoiled.clone()
    spoiled[3] = value
    with pytest.raises(SaliencyError, match="the saliency of 'grouped' is NaN or infinite; expected finite"):
        sparsifier.step()
    assert sparsifier.steps == 1
    assert all(torch.equal(layer.mask, before[name]) for name, layer in sparsifier.layers.items())
    spoiled.copy_(good)
    sparsifier.step()
    assert sparsifier.steps == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mask",), r"parameters to keep must be a list such as \('mask', 'n'\), not 'mask'"),
        ((5,), "parameters to keep must be a list such as .*, not 5"),
        ((("rank",),), "no parameter 'rank' to keep; expected one of"),
        ((None, {"conv": "mask"}), "parameters to keep must be a list such as .*, not 'mask'"),
        ((None, {"con": ("mask",)}), "'con' is no pruned layer; expected one of conv, pointwise"),
        ((None, 5), "`params_to_keep_per_layer` must be names by layer, not 5"),
    ],
)
def test_what_squashing_cannot_keep(mixed_net, arguments, message):
    sparsifier = prepared(mixed_net)
    with pytest.raises(PruneError, match=message):
        sparsifier.squash_mask(*arguments)
    assert not sparsifier.squashed


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"mask": None}, "the mask of layer 'conv' is a NoneType; expected a tensor, torch.bool of shape"),
        ({"mask": [True]}, "the mask of layer 'conv' is a list; expected a tensor, torch.bool of shape"),
        ({"gradient": None}, "the gradient of layer 'conv' is absent or has the wrong shape"),
        (
            {"gradient": torch.ones(20, 16, 3, 3, dtype=torch.int64)},
            r"expected \[20, 16, 3, 3\] of real numbers",
        ),
    ],
)
def test_state_of_other_tensors(mixed_net, samples, values, message):
    sparsifier = half_way(mixed_net, samples)
    state = copy.deepcopy(sparsifier.state_dict())
    state["state"]["conv.weight"].update(values)
    with pytest.raises(MaskError, match=message):
        sparsifier.load_state_dict(state)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"steps": -1}, "the state: `steps` must be 0 or more, not -1"),
        ({"steps": float("inf")}, "the state is none that `state_dict` gave"),
        ({"steps": "two"}, "the state is none that `state_dict` gave"),
    ],
)
def test_state_of_other_numbers(mixed_net, samples, values, message):
    sparsifier = half_way(mixed_net, samples)
    with pytest.raises(MaskError, match=message):
        sparsifier.load_state_dict({**sparsifier.state_dict(), **values})
    state = copy.deepcopy(sparsifier.state_dict())
    state["groups"][0]["sparsity_level"] = float("nan")
    with pytest.raises(MaskError, match="the sparsity level of 'conv' must be from 0 to 1, not nan"):
        sparsifier.load_state_dict(state)


def test_masks_and_scalers_that_are_none(mixed_net, samples):
    sparsifier = half_way(mixed_net, samples)
    mask = sparsifier.layers["conv"].mask
    with pytest.raises(MaskError, match="the mask of layer 'conv' is a str; expected a tensor"):
        sparsifier.update_mask(mixed_net.conv, "weight", mask="all")
    with pytest.raises(
        PruneError, match="`tensor_name` must be 'weight', which is what is pruned, not 'bias'"
    ):
        sparsifier.update_mask(mixed_net.conv, "bias", mask=mask)
    with pytest.raises(PruneError, match=r"`scaler` must be a torch\.amp\.GradScaler, not 65536\.0"):
        sparsifier.accumulate(65536.0)  # pyright: ignore[reportArgumentType]
