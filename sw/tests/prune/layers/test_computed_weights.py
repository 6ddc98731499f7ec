"""Zeros count where layers compute: what changes its weight on the way is refused, or seen through."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import prune as torch_prune
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from crisp_sw.prune import (
    CrispSparsifier,
    PruneError,
    computed_sparsity,
    prune_for_classes,
    settings_of,
)
from sw.tests.prune.sparsifying import prepared

SETTINGS = settings_of(
    n=2, block=8, sparsity=0.5, iterations=1, epochs_per_iteration=0, final_epochs=1, batch_size=16
)
IMAGES = torch.ones(1, 1, 8, 8)


class Own(nn.Conv2d):
    """Convolves with what a function makes of its weight."""

    change = staticmethod(lambda layer: layer.weight)

    def forward(self, input: Tensor) -> Tensor:
        return F.conv2d(input, type(self).change(self), self.bias, padding=1)


def own(change) -> type[Own]:
    return type("Changing", (Own,), {"change": staticmethod(change)})


def net(middle: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    stem = nn.Conv2d(1, 16, 3, padding=1)
    return nn.Sequential(stem, nn.ReLU(), middle, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 4))


def averaged(layer: nn.Conv2d):
    """Of training the weight, of inference a buffer with its average."""
    if not hasattr(layer, "average"):
        layer.register_buffer("average", layer.weight.detach().clone())
    return layer.weight if layer.training else layer.average


CHANGED = {
    "standardised": own(lambda layer: layer.weight - layer.weight.mean((1, 2, 3), keepdim=True)),
    "offset": own(lambda layer: layer.weight + 0.01),
    "turned": own(lambda layer: layer.weight.flip(1)),
    "averaged": own(averaged),
}
KEPT = {
    "as it is": own(lambda layer: layer.weight),
    "scaled": own(lambda layer: layer.weight * 2.0),
    "normalised": own(lambda layer: layer.weight / layer.weight.norm()),
    "of another type": own(lambda layer: layer.weight.double().float()),
}


@pytest.mark.parametrize("kind", CHANGED.values(), ids=CHANGED)
def test_layers_in_which_pruned_weights_come_back_are_refused_before_training(samples, kind):
    model, events = net(kind(16, 16, 3)), []
    model(IMAGES)  # the first pass makes buffers
    message = r"layer '2' \(Changing\) computes with another weight than its parameter, in which pruned weig"
    with pytest.raises(PruneError, match=message):
        prune_for_classes(model, samples, SETTINGS, on_progress=events.append)
    assert events == []
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(PruneError, match=message):
        prepared(model)
    assert list(model.state_dict()) == list(before)
    settings = SETTINGS.with_values(exclude=("2",), sparsity=0.1)
    excluded = prune_for_classes(model, samples, settings)
    assert list(excluded.patterns) == ["5"]


def test_buffers_that_the_first_pass_makes_are_those_of_the_result(samples):
    model = net(CHANGED["averaged"](16, 16, 3))
    result = prune_for_classes(model, samples, SETTINGS.with_values(exclude=("2",), sparsity=0.1))
    assert "2.average" in result.model.state_dict()
    assert "2.average" not in model.state_dict()


@pytest.mark.parametrize("kind", KEPT.values(), ids=KEPT)
def test_layers_in_which_zeros_stay_are_pruned(samples, kind):
    result = prune_for_classes(net(kind(16, 16, 3)), samples, SETTINGS)
    computed = computed_sparsity(result.model, IMAGES)
    reported = {layer.name: layer.sparsity for layer in result.report.layers}
    assert computed == reported
    assert computed["2"] >= 0.5
    sparsifier = prepared(net(kind(16, 16, 3)), sparsity=0.5, saliency="magnitude")
    sparsifier.step()
    assert "2" in sparsifier.layers


class Products(nn.Linear):
    """A linear layer in other words."""

    def __init__(self, product):
        super().__init__(16, 16)
        self.product = product

    def forward(self, input: Tensor) -> Tensor:
        return self.product(input, self.weight, self.bias)


@pytest.mark.parametrize(
    "product",
    [
        lambda x, w, b: x @ w.T + b,
        lambda x, w, b: torch.addmm(b, x, w.t()),
        lambda x, w, b: torch.einsum("ni,oi->no", x, w) + b,
        lambda x, w, b: torch.matmul(w, x.T).T + b,
        lambda x, w, b: F.linear(bias=b, weight=w, input=x),
        lambda x, w, b: F.conv2d(x[:, :, None, None], w[:, :, None, None], b).flatten(1),
    ],
)
def test_products_of_other_names_are_seen(samples, product):
    model = net(nn.Identity())
    model.insert(5, Products(product))
    result = prune_for_classes(model, samples, SETTINGS.with_values(small_layers="fine"))
    assert computed_sparsity(result.model, IMAGES)["5"] >= 0.5
    prepared(model, small_layers="fine", sparsity=0.3)


def test_inputs_of_the_size_of_the_weight_are_none(samples):
    """As of adapters beside a layer: as many images, or pixels, as the layer has outputs."""
    model = net(nn.Identity())
    beside = torch.rand(16, 2)
    model.insert(5, Products(lambda x, w, b: F.linear(x, w, b) + x @ beside @ beside.T))
    result = prune_for_classes(model, samples, SETTINGS.with_values(small_layers="fine"))
    reported = {layer.name: layer.sparsity for layer in result.report.layers}
    assert computed_sparsity(result.model, torch.rand(16, 1, 8, 8))["5"] == reported["5"] >= 0.5


def test_tied_weights_are_those_of_every_layer(samples):
    model = net(nn.Conv2d(16, 16, 3, padding=1))
    model.insert(3, nn.Conv2d(16, 16, 3, padding=1))
    model[3].weight = model[2].weight
    assert computed_sparsity(model, IMAGES) == {"0": 0.0, "2": 0.0, "3": 0.0, "6": 0.0}


class Around(nn.Module):
    """Reads the weight of a layer that it does not call."""

    def __init__(self, change):
        super().__init__()
        self.inner, self.change = nn.Conv2d(16, 16, 3), change

    def forward(self, x):
        return F.conv2d(x, self.change(self.inner.weight), self.inner.bias, padding=1)


def test_weights_that_are_read_from_outside(samples):
    result = prune_for_classes(net(Around(lambda weight: weight)), samples, SETTINGS)
    assert computed_sparsity(result.model, IMAGES)["2.inner"] >= 0.5
    message = r"layer '2\.inner' \(Conv2d\) uses its weight in a way that cannot be seen, so that pruned wei"
    for change in (lambda weight: weight - weight.mean(), lambda weight: weight * 2.0):
        with pytest.raises(PruneError, match=message):
            prune_for_classes(net(Around(change)), samples, SETTINGS)
        with pytest.raises(PruneError, match=message):
            computed_sparsity(net(Around(change)), IMAGES)


class Attention(nn.Module):
    """Attention over pixels, whose layers are used without being called; and a layer that is not used."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
        self.unused = nn.Linear(32, 32)

    def forward(self, x):
        pixels = x.flatten(2).mT
        kind = self.attention.out_proj.weight.dtype  # no use of the weight
        return self.attention(pixels, pixels, pixels, need_weights=False)[0].to(kind).mT[..., None]


def test_attention_and_unused_layers_stay_prunable(samples):
    settings = SETTINGS.with_values(small_layers="fine", distillation=0.0)
    result = prune_for_classes(net(Attention()), samples, settings)
    assert "2.attention.out_proj" in result.patterns
    computed = computed_sparsity(result.model, IMAGES)
    assert computed["2.attention.out_proj"] >= 0.5
    assert "2.unused" not in computed


class TwoInputs(nn.Conv2d):
    """Cannot run without what its model gives it."""

    def forward(self, input: Tensor, style: Tensor) -> Tensor:
        return super().forward(input * style)


def test_layer_that_the_sparsifier_cannot_try():
    model = nn.Sequential(TwoInputs(16, 16, 3), nn.Conv2d(16, 16, 3))
    with pytest.raises(
        PruneError, match=r"layer '0' \(TwoInputs\) fails on an input of its channels \(TypeErr"
    ):
        prepared(model)
    prepared(model, exclude=("0",))


def test_hooks_on_outputs_do_not_see_the_trial():
    model, kept = net(KEPT["scaled"](16, 16, 3)), []
    model[2].register_forward_hook(lambda module, inputs, output: kept.append(output))
    prepared(model, sparsity=0.5)
    assert kept == []


def test_hook_before_a_layer_that_brings_weights_back_is_refused():
    model = net(nn.Conv2d(16, 16, 3))

    def restore(module, inputs):
        module.weight.data.clamp_(min=0.01)

    model[2].register_forward_pre_hook(restore)
    with pytest.raises(
        PruneError, match=r"layer '2' \(Conv2d\) computes with another weight than its parameter"
    ):
        prepared(model)


def test_masks_that_are_on_count(mixed_net):
    sparsifier = prepared(mixed_net, saliency="magnitude")
    sparsifier.step(0.7)
    computed = computed_sparsity(mixed_net, IMAGES)
    for name, layer in sparsifier.layers.items():
        assert computed[name] == layer.report().sparsity
    assert computed["stem"] == 0
    torch_prune.random_unstructured(mixed_net.stem, "weight", 0.5)
    assert computed_sparsity(mixed_net, IMAGES)["stem"] == 0.5


@pytest.mark.parametrize("use_buffers", [False, True])
def test_averages_count_as_they_compute(mixed_net, use_buffers):
    sparsifier = CrispSparsifier(n=2, block=8, sparsity=0.7, saliency="magnitude")
    sparsifier.prepare(mixed_net)
    average = AveragedModel(mixed_net, multi_avg_fn=get_ema_multi_avg_fn(0.5), use_buffers=use_buffers)
    average.update_parameters(mixed_net)
    sparsifier.step()
    average.update_parameters(mixed_net)
    pruned = computed_sparsity(mixed_net, IMAGES)["conv"]
    assert pruned == sparsifier.layers["conv"].report().sparsity
    # With buffers, the masks are averaged too: what one of them keeps is kept.
    assert computed_sparsity(average, IMAGES)["conv"] == (0 if use_buffers else pruned)


def test_averages_from_before_the_masks_go_on_after_them(mixed_net):
    average = AveragedModel(mixed_net, multi_avg_fn=get_ema_multi_avg_fn(0.5))
    average.update_parameters(mixed_net)
    names = [name for name, _ in mixed_net.named_parameters()]
    sparsifier = prepared(mixed_net, saliency="magnitude")
    sparsifier.step()
    sparsifier.squash_mask()
    assert [name for name, _ in mixed_net.named_parameters()] == names
    average.update_parameters(mixed_net)
    # They remember the weights before pruning.
    assert computed_sparsity(average, IMAGES)["conv"] == 0
    assert computed_sparsity(mixed_net, IMAGES)["conv"] > 0.5
