"""What the sparsifier refuses: models, configs, settings, calls in the wrong order, gradients."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from crisp_sw.prune.errors import PruneError, SaliencyError, UnreachableSparsityError
from crisp_sw.prune.rules import LayerRule
from crisp_sw.prune.sparsifier import CrispSparsifier
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
