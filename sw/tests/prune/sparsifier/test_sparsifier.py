"""The sparsifier in a training loop of one's own."""

import copy
import itertools

import pytest
import torch
from torch import nn
from torch.ao.pruning.scheduler.lambda_scheduler import LambdaSL
from torch.nn.utils import parametrize

from crisp_sw.prune.errors import MaskError, PruneError
from crisp_sw.prune.sparsifier.sparsifier import CrispSparsifier
from sw.tests.prune.sparsifying import backward, half_way, prepared
from sw.tests.prune.structure import structures


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_training_loop(mixed_net, samples, dtype):
    model = mixed_net.to(dtype)
    names = list(model.state_dict())
    sparsifier = prepared(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    masks = []
    for _ in range(3):
        backward(model, samples, dtype)
        sparsifier.accumulate()
        optimizer.step()
        sparsifier.step()
        masks.append({name: layer.kept_blocks for name, layer in sparsifier.layers.items()})
    for before, after in itertools.pairwise(masks):
        assert all(not bool((after[name] & ~before[name]).any()) for name in before)
    assert 0.75 <= sparsifier.sparsity() < 0.8
    assert list(sparsifier.layers) == ["conv", "pointwise", "grouped", "linear"]
    assert [layer.name for layer in sparsifier.dense_layers] == ["stem", "depthwise"]
    patterns = sparsifier.patterns()
    sparsifier.freeze()
    backward(model, samples, dtype)
    optimizer.step()
    sparsifier.squash_mask()
    assert sorted(model.state_dict()) == sorted(names)
    for name, structure in structures(model, patterns, sparsifier.settings).items():
        structure.check()
        assert set(structure.blocks().sum(1)) == {sparsifier.layers[name].report().kept_per_row}


def test_the_weight_stays_the_same_parameter(mixed_net):
    weight = mixed_net.conv.weight
    sparsifier = prepared(mixed_net)
    assert sparsifier.layers["conv"].weight is weight
    sparsifier.squash_mask()
    assert mixed_net.conv.weight is weight


def test_config_by_name_with_overrides(mixed_net):
    config = [
        {"tensor_fqn": "conv.weight", "n": 1, "min_kept_blocks": 2},
        {"tensor_fqn": "linear.weight", "block": 4, "min_kept_share": 0.5},
    ]
    sparsifier = prepared(mixed_net, config, sparsity=0.6)
    assert [group["tensor_fqn"] for group in sparsifier.groups] == ["conv.weight", "linear.weight"]
    assert [(group["n"], group["block"]) for group in sparsifier.groups] == [(1, 8), (2, 4)]
    assert [group["min_kept_share"] for group in sparsifier.groups] == [0.0, 0.5]
    assert [group["min_kept_blocks"] for group in sparsifier.groups] == [2, 1]
    assert not parametrize.is_parametrized(mixed_net.pointwise)
    assert mixed_net.conv.parametrizations.weight[0].mask is sparsifier.state["conv.weight"]["mask"]


def test_magnitude_needs_no_gradients(mixed_net):
    sparsifier = prepared(mixed_net, saliency="magnitude", matrix_order="oihw")
    sparsifier.step(0.7)
    assert sparsifier.sparsity() >= 0.7


def two_layers(scale: float) -> nn.Sequential:
    """Alike but for the scale of the first layer's weights."""
    generator = torch.Generator().manual_seed(0)
    weight = torch.rand(32, 32, generator=generator) + 0.5
    model = nn.Sequential(nn.Linear(32, 32), nn.Linear(32, 32))
    model[0].weight = nn.Parameter(scale * weight)
    model[1].weight = nn.Parameter(weight.clone())
    return model


def accumulated(model: nn.Sequential, *gradients: float, **choices) -> CrispSparsifier:
    """A sparsifier that has seen these gradients, the same for all weights, one after the other."""
    sparsifier = prepared(model, **choices)
    for gradient in gradients:
        for layer in sparsifier.layers.values():
            layer.weight.grad = torch.full_like(layer.weight, gradient)
        sparsifier.accumulate()
    return sparsifier


@pytest.mark.parametrize(("accumulation", "total"), [("absolute", 4.0), ("signed", 2.0)])
def test_gradients_add_up_as_asked(accumulation, total):
    sparsifier = accumulated(two_layers(1.0), 3.0, -1.0, accumulation=accumulation)
    for layer in ("0", "1"):
        assert torch.equal(sparsifier.state[f"{layer}.weight"]["gradient"], torch.full((32, 32), total))


@pytest.mark.parametrize("saliency", ["class-aware", "magnitude"])
@pytest.mark.parametrize(("norm", "alike"), [("none", False), ("mean", True), ("l2", True)])
def test_layers_of_other_scales_compare_as_asked(saliency, norm, alike):
    sparsifier = accumulated(two_layers(0.25), 1.0, saliency=saliency, layer_norm=norm)
    sparsifier.step(0.75)
    kept = [layer.kept_weights for layer in sparsifier.layers.values()]
    assert kept == ([256, 256] if alike else [128, 384])


def test_sr_ste_decay_is_no_saliency(mixed_net, samples):
    model = copy.deepcopy(mixed_net)
    plain = prepared(mixed_net)
    decayed = prepared(model, gradient="sr-ste", sr_ste_decay=0.25)
    for net, sparsifier in ((mixed_net, plain), (model, decayed)):
        net.eval()
        for _ in range(2):
            backward(net, samples)
            sparsifier.accumulate()
            sparsifier.step(0.7)
    for name, layer in decayed.layers.items():
        # Adding the decay and taking it away again rounds.
        assert float((layer.mask == plain.layers[name].mask).float().mean()) > 0.98


def test_state_goes_on_in_another_sparsifier(mixed_net, samples, tmp_path):
    twin = copy.deepcopy(mixed_net)
    first, second = half_way(mixed_net, samples), prepared(twin)
    torch.save(first.state_dict(), tmp_path / "state.pt")
    second.load_state_dict(torch.load(tmp_path / "state.pt"))
    before = second.sparsity()
    assert (second.steps, before) == (1, first.sparsity())
    for sparsifier in (first, second):
        sparsifier.step()
    assert second.sparsity() > before
    assert all(torch.equal(layer.mask, second.layers[name].mask) for name, layer in first.layers.items())


def pruned_weights_learn(model, samples, sparsifier) -> bool:
    backward(model, samples)
    layer = sparsifier.layers["conv"]
    assert layer.weight.grad is not None
    return bool(layer.weight.grad[~layer.mask].any())


def test_state_knows_whether_masks_are_final(mixed_net, samples):
    twin = copy.deepcopy(mixed_net)
    first, second = half_way(mixed_net, samples), prepared(twin)
    open_state = copy.deepcopy(first.state_dict())
    first.freeze()
    second.load_state_dict(first.state_dict())
    second.step()
    assert second.steps == 1
    assert not pruned_weights_learn(twin, samples, second)
    second.load_state_dict(open_state)
    assert pruned_weights_learn(twin, samples, second)


def without(state, name):
    del state[name]


def put(state, name, key, value):
    state["state"][name][key] = value


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda state: put(state, "linear.weight", "mask", torch.ones(3, 32, dtype=torch.bool)),
            r"the state: the mask of layer 'linear' is torch.bool of shape \[3, 32\]; "
            r"expected torch.bool of shape \[4, 32\]",
        ),
        (
            lambda state: put(state, "linear.weight", "mask", torch.arange(32).lt(3).repeat(4, 1)),
            "the state: the mask of layer 'linear' keeps 3 weights of a group of 4; expected at most 2",
        ),
        (
            lambda state: put(state, "conv.weight", "gradient", torch.ones(3)),
            r"the gradient of layer 'conv' is absent or has the wrong shape, \[3\]; expected \[20, 16",
        ),
        (
            lambda state: state["groups"][0].update(n=3),
            "'conv' is for n = 3, m = 4, block = 8; expected n = 2, m = 4, block = 8",
        ),
        (
            lambda state: without(state, "steps"),
            r"the state is none that `state_dict` gave \(KeyError: 'steps'",
        ),
        (lambda state: without(state, "groups"), "the state is none that `state_dict` gave"),
    ],
)
def test_state_that_does_not_fit_changes_nothing(mixed_net, samples, spoil, message):
    sparsifier = half_way(mixed_net, samples)
    before = copy.deepcopy(sparsifier.state_dict())
    state = copy.deepcopy(before)
    spoil(state)
    with pytest.raises(MaskError, match=message):
        sparsifier.load_state_dict(state)
    after = sparsifier.state_dict()
    assert (after["groups"], after["steps"]) == (before["groups"], 1)
    for name, values in before["state"].items():
        assert all(torch.equal(after["state"][name][key], value) for key, value in values.items())


def test_update_mask_sets_one(mixed_net):
    sparsifier = prepared(mixed_net)
    mask = torch.zeros(4, 32, dtype=torch.bool)
    sparsifier.update_mask(mixed_net.linear, "weight", mask=mask)
    assert sparsifier.layers["linear"].kept_weights == 0


def test_update_mask_takes_no_other_pattern(mixed_net):
    sparsifier = prepared(mixed_net)
    mask = torch.zeros(4, 32, dtype=torch.bool)
    mask[2, 8:11] = True
    message = "`update_mask`: the mask of layer 'linear' keeps 3 weights of a group of 4; expected at most 2"
    with pytest.raises(MaskError, match=message):
        sparsifier.update_mask(mixed_net.linear, "weight", mask=mask)
    with pytest.raises(
        MaskError, match=r"is torch.bool of shape \[32\]; expected torch.bool of shape \[4, 32\]"
    ):
        sparsifier.update_mask(mixed_net.linear, "weight", mask=mask[0])
    assert bool(sparsifier.layers["linear"].mask.all())
    with pytest.raises(PruneError, match="a Conv2d that is not pruned here; expected one of conv, pointwise"):
        sparsifier.update_mask(mixed_net.depthwise, "weight", mask=mask)


def test_masks_that_were_tampered_with_are_refused(mixed_net):
    sparsifier = prepared(mixed_net, saliency="random")
    mixed_net.pointwise.parametrizations.weight[0].mask[:8, :8] = False
    with pytest.raises(
        MaskError, match="'pointwise' keeps 2 to 3 blocks in a block-row; expected equally many"
    ):
        sparsifier.step()


def test_state_holds_the_masks_of_a_model_that_moved(mixed_net):
    sparsifier = prepared(mixed_net, saliency="random")
    mixed_net.to(memory_format=torch.channels_last)
    sparsifier.step()
    for name, layer in sparsifier.layers.items():
        assert torch.equal(sparsifier.state[f"{name}.weight"]["mask"], layer.mask)
        assert not bool(layer.mask.all())


def test_a_scheduler_of_torch_sets_the_target(mixed_net):
    sparsifier = prepared(mixed_net, saliency="random")
    scheduler = LambdaSL(sparsifier, lambda epoch: (0.8, 0.9, 1.0)[min(epoch, 2)])
    for level in (0.6, 0.675, 0.75):
        assert scheduler.get_last_sl() == pytest.approx([level] * 4)
        sparsifier.step()
        assert level <= sparsifier.sparsity() < level + 0.05
        scheduler.step()
    sparsifier.freeze()
    scheduler.step()
    before = sparsifier.steps
    sparsifier.step(0.76)
    assert sparsifier.steps == before


def test_levels_that_differ_are_refused(mixed_net):
    sparsifier = prepared(mixed_net, saliency="random")
    LambdaSL(sparsifier, [lambda epoch: 0.8, lambda epoch: 0.6, lambda epoch: 0.8, lambda epoch: 0.8])
    with pytest.raises(PruneError, match=r"levels from 0\.45 to 0\.6; expected the same for all layers"):
        sparsifier.step()


def test_a_copy_is_a_sparsifier_of_its_own(mixed_net, samples):
    first = half_way(mixed_net, samples)
    LambdaSL(first, lambda epoch: 1.0)
    twin, second = copy.deepcopy((mixed_net, first))
    before = {name: layer.mask for name, layer in first.layers.items()}
    second.step()
    assert (first.steps, second.steps) == (1, 2)
    assert second.sparsity() >= 0.75 > first.sparsity()
    assert all(torch.equal(layer.mask, before[name]) for name, layer in first.layers.items())
    second.squash_mask()
    assert float((twin.conv.weight == 0).float().mean()) > 0.5
    assert parametrize.is_parametrized(mixed_net.conv)
    first.step()
    assert all(torch.equal(layer.mask, second.layers[name].mask) for name, layer in first.layers.items())
    first_images = samples.normalise(torch.arange(2))
    assert torch.equal(mixed_net.eval()(first_images), twin.eval()(first_images))


def test_original_is_squashed_and_a_copy_goes_on(mixed_net, samples):
    first = half_way(mixed_net, samples)
    twin, second = copy.deepcopy((mixed_net, first))
    expected = mixed_net.eval()(samples.normalise(torch.arange(2)))
    first.squash_mask()
    assert type(mixed_net.conv) is nn.Conv2d
    for model in (mixed_net, twin.eval()):
        assert torch.equal(model(samples.normalise(torch.arange(2))), expected)
    second.step(0.8)
    second.squash_mask()
    assert type(twin.conv) is nn.Conv2d


def test_squashing_can_keep_masks_and_settings(mixed_net):
    sparsifier = prepared(mixed_net, saliency="random")
    sparsifier.step()
    with pytest.raises(PruneError, match="no parameter 'foo' to keep; expected one of n, m, block"):
        sparsifier.squash_mask(params_to_keep=("foo",))
    assert parametrize.is_parametrized(mixed_net.conv)
    masks = {name: layer.mask for name, layer in sparsifier.layers.items()}
    sparsifier.squash_mask(params_to_keep=("mask",), params_to_keep_per_layer={"conv": ("n", "block")})
    for name, mask in masks.items():
        layer = mixed_net.get_submodule(name)
        assert torch.equal(layer.sparse_params["mask"], mask)
        assert not bool(layer.weight[~mask].any())
    assert set(mixed_net.conv.sparse_params) == {"mask", "n", "block"}


def test_frozen_masks_stay(mixed_net):
    sparsifier = prepared(mixed_net, saliency="random")
    sparsifier.freeze()
    sparsifier.step()
    assert sparsifier.sparsity() == 0.0


def test_layer_that_the_loss_does_not_depend_on_has_no_saliency():
    model = nn.ModuleDict({"used": nn.Linear(32, 32), "stray": nn.Linear(32, 32)})
    sparsifier = prepared(model)
    for _ in range(2):
        model["used"](torch.ones(1, 32)).sum().backward()
        sparsifier.accumulate()
    assert not bool(sparsifier.state["stray.weight"]["gradient"].any())
    sparsifier.step(0.68)
    # All that goes beyond N:M is the stray layer's.
    assert bool(sparsifier.layers["used"].kept_blocks.all())
    assert sparsifier.sparsity() >= 0.68


def test_single_layer_as_the_model():
    layer = nn.Linear(32, 16)
    sparsifier = prepared(layer, [{"tensor_fqn": "weight"}], saliency="magnitude")
    sparsifier.step(0.75)
    sparsifier.squash_mask()
    assert float((layer.weight == 0).float().mean()) == 0.75
    assert not bool((layer.weight.signbit() & (layer.weight == 0)).any())
