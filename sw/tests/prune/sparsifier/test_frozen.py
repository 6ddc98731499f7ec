"""Frozen layers: pruned perhaps, but what they keep does not move."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from crisp_sw.prune import (
    CrispSparsifier,
    PruneError,
    SaliencyError,
    prune_for_classes,
    settings_of,
)
from crisp_sw.prune.run.run_state import STATE_FILE
from sw.tests.prune.changed_settings import changed
from sw.tests.prune.sparsifying import backward, prepared

SETTINGS = settings_of(
    n=2, block=8, sparsity=0.6, iterations=2, final_epochs=2, batch_size=16, learning_rate=0.1
)
FROZEN = ("conv.weight", "bn.weight", "bn.bias", "linear.bias", "depthwise.weight")


@pytest.fixture
def model(mixed_net):
    """Frozen: a weight that is pruned and one that stays dense, half of the classifier, a BatchNorm."""
    for name in FROZEN:
        mixed_net.get_parameter(name).requires_grad_(False)
    return mixed_net


def require_unmoved(before: nn.Module, after: nn.Module) -> None:
    """Of the frozen parameters all values are as before, or 0; the others have moved."""
    for name, old in before.named_parameters():
        new = after.get_parameter(name)
        assert new.requires_grad == old.requires_grad == (name not in FROZEN)
        kept = new != 0
        assert torch.equal(new[kept], old[kept]) == (name in FROZEN), name


@pytest.mark.parametrize("method", ["crisp", "unstructured", "reference_compat", "dense"])
@pytest.mark.parametrize("choice", [{}, {"gradient": "sr-ste", "nm_choice": "every-step"}], ids=str)
def test_kept_values_do_not_move(model, samples, method, choice):
    result = prune_for_classes(model, samples, changed(SETTINGS, method=method, **choice))
    require_unmoved(model, result.model)
    pruned = bool((result.model.get_parameter("conv.weight") == 0).any())
    assert pruned == (method != "dense")


def test_saliency_is_that_of_a_weight_that_is_trained(model, samples):
    settings = SETTINGS.with_values(iterations=1, epochs_per_iteration=0, final_epochs=0)
    frozen = prune_for_classes(model, samples, settings)
    trained = prune_for_classes(copy.deepcopy(model).requires_grad_(True), samples, settings)
    assert frozen.patterns.keys() == trained.patterns.keys()
    weights = trained.model.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in frozen.model.state_dict().items())


def test_channels_of_frozen_layers(model, samples, tmp_path):
    pytest.importorskip("torch_pruning")
    settings = changed(SETTINGS, method="channel", sparsity=0.3, distillation=0.0)
    result = prune_for_classes(model, samples, settings, state_dir=tmp_path, keep_state=True)
    resumed = prune_for_classes(model, samples, settings, state_dir=tmp_path, resume=True)
    for pruned in (result.model, resumed.model):
        assert [name for name, value in pruned.named_parameters() if not value.requires_grad] == [
            name for name, _ in model.named_parameters() if name in FROZEN
        ]
        assert set(pruned.get_parameter("bn.weight").tolist()) == {1.0}
        assert set(pruned.get_parameter("linear.bias").tolist()) == set(model.linear.bias.tolist())


def test_state_of_a_run_with_other_frozen_layers_is_refused(model, samples, tmp_path):
    prune_for_classes(model, samples, SETTINGS, state_dir=tmp_path, keep_state=True)
    assert (tmp_path / STATE_FILE).exists()
    with pytest.raises(PruneError, match="belongs to a run with other frozen layers; expected the same ones"):
        prune_for_classes(model.requires_grad_(True), samples, SETTINGS, state_dir=tmp_path, resume=True)


@pytest.mark.parametrize("method", ["crisp", "dense", "channel"])
def test_batch_norm_in_inference_mode_keeps_its_statistics(mixed_net, samples, method):
    if method == "channel":
        pytest.importorskip("torch_pruning")
    mixed_net.train().bn.eval()
    mixed_net.bn.running_mean.fill_(0.125)
    settings = changed(SETTINGS, method=method, sparsity=0.5)
    result = prune_for_classes(mixed_net, samples, settings).model.state_dict()
    assert set(result["bn.running_mean"].tolist()) == {0.125}
    assert len(set(result["bn2.running_mean"].tolist())) > 1
    assert mixed_net.training
    assert not mixed_net.bn.training


def test_nothing_to_train_is_refused_before_training(mixed_net, samples):
    mixed_net.requires_grad_(False)
    message = "the model's output depends on no parameter that requires a gradient; expected at least one"
    with pytest.raises(PruneError, match=message):
        prune_for_classes(mixed_net, samples, SETTINGS)
    settings = SETTINGS.with_values(epochs_per_iteration=0, final_epochs=0)
    assert prune_for_classes(mixed_net, samples, settings).report.sparsity >= 0.6


class Detached(nn.Module):
    """Gives logits that no gradient comes through."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x).detach()


def test_output_without_gradient_has_no_saliency(mixed_net, samples):
    settings = SETTINGS.with_values(epochs_per_iteration=0, final_epochs=0)
    with pytest.raises(
        SaliencyError, match="output has no gradient by any weight to prune; expected a `forw"
    ):
        prune_for_classes(Detached(mixed_net), samples, settings)


@pytest.mark.parametrize("gradient", ["ste", "sr-ste", "masked"])
def test_sparsifier_scores_frozen_weights_alike(model, samples, gradient):
    trained = copy.deepcopy(model).requires_grad_(True)
    both = [prepared(net.eval(), gradient=gradient, sr_ste_decay=0.25) for net in (model, trained)]
    for net, sparsifier in zip((model, trained), both, strict=True):
        for _ in range(2):
            backward(net, samples)
            sparsifier.accumulate()
            sparsifier.step(0.7)
    for name, layer in both[0].layers.items():
        # Adding the decay and taking it away again rounds.
        assert float((layer.mask == both[1].layers[name].mask).float().mean()) > 0.98


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_sparsifier_leaves_frozen_weights_alone(model, samples, weight_decay):
    before = copy.deepcopy(model)
    sparsifier = prepared(model)
    # With the frozen ones too, as many loops do it.
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=weight_decay)
    for _ in range(3):
        backward(model, samples)
        sparsifier.accumulate()
        optimizer.step()
        sparsifier.step()
    sparsifier.squash_mask()
    require_unmoved(before, model)
    assert sparsifier.layers["conv"].kept_weights < before.conv.weight.numel()


def test_sparsifier_of_a_model_that_is_frozen_as_a_whole(mixed_net, samples):
    sparsifier = prepared(mixed_net.requires_grad_(False))
    backward(mixed_net, samples)
    sparsifier.accumulate()
    sparsifier.step(0.75)
    assert 0.75 <= sparsifier.sparsity() < 0.8
    assert all(parameter.grad is None for parameter in mixed_net.parameters())


def test_copies_of_a_pair_score_frozen_weights(model, samples):
    pair = model, prepared(model)
    twins = copy.deepcopy(pair)
    masks = []
    for net, sparsifier in (pair, twins):
        backward(net.eval(), samples)
        sparsifier.accumulate()
        sparsifier.step(0.7)
        masks.append({name: layer.mask for name, layer in sparsifier.layers.items()})
    assert all(torch.equal(mask, masks[1][name]) for name, mask in masks[0].items())


def test_partial_freezing_of_tied_embeddings_and_heads():
    """An embedding is no layer that is pruned; its frozen weight takes no part."""
    model = nn.Sequential(nn.Embedding(8, 16), nn.Flatten(), nn.Linear(32, 16), nn.Linear(16, 4))
    model[0].weight.requires_grad_(False)
    before = copy.deepcopy(model)
    sparsifier = CrispSparsifier(n=2, block=4, sparsity=0.5, small_layers="hybrid")
    sparsifier.prepare(model)
    functional.cross_entropy(model(torch.arange(8).reshape(4, 2)), torch.arange(4)).backward()
    sparsifier.accumulate()
    sparsifier.step()
    sparsifier.squash_mask()
    embedding = model.get_parameter("0.weight")
    assert torch.equal(embedding, before.get_parameter("0.weight"))
    assert not embedding.requires_grad
