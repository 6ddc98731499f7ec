"""Saliency against its formula, written out for a model whose gradients are known."""

import copy

import pytest
import torch
from torch import nn

from crisp_sw.prune.errors import SaliencyError
from crisp_sw.prune.masks.masking import attach_mask, dense_weight
from crisp_sw.prune.settings.methods import CrispPruning
from crisp_sw.prune.tuning.saliency import measure_saliency, normalised
from crisp_sw.prune.tuning.samples import ClassSamples


def measured(model, weights, samples, settings: CrispPruning) -> dict[str, torch.Tensor]:
    return measure_saliency(model, weights, samples, settings.scoring, settings.training)


def linear_model() -> tuple[nn.Sequential, nn.Parameter]:
    layer = nn.Linear(4, 2, bias=False)
    weight = torch.tensor([[0.5, -1.0, 2.0, 0.0], [1.0, 0.25, -0.5, 3.0]])
    layer.weight = nn.Parameter(weight)
    return nn.Sequential(nn.Flatten(), layer), layer.weight


def line_samples() -> ClassSamples:
    images = torch.randn(6, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    return ClassSamples(images=images, labels=torch.tensor([0, 1, 1, 0, 1, 0]))


def gradient_of(weight: torch.Tensor, samples: ClassSamples, index: list[int]) -> torch.Tensor:
    """dL/dW = sum (softmax(W x) - onehot) x^T / N, the derivative of the mean cross-entropy by hand."""
    x = samples.images[index].flatten(1)
    error = torch.softmax(x @ weight.T, dim=1) - nn.functional.one_hot(samples.labels[index], 2)
    return error.T @ x / len(samples)


def test_bfloat16_is_close():
    model, weight = linear_model()
    exact, rounded = (
        measured(model, {"1": weight}, line_samples(), CrispPruning.of(batch_size=2, precision=precision))[
            "1"
        ]
        for precision in ("float32", "bfloat16")
    )
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded, exact, rtol=0.05, atol=0.01)


@pytest.mark.parametrize(("norm", "scale"), [("none", 1.0), ("mean", 1.5), ("l2", 20**0.5)])
def test_layer_norm(norm, scale):
    saliency = torch.tensor([[0.0, 4.0], [2.0, 0.0]])
    torch.testing.assert_close(normalised(saliency, norm), saliency / scale)
    assert torch.equal(normalised(torch.zeros(2, 2), norm), torch.zeros(2, 2))


def summed(samples: ClassSamples, *, signed: bool) -> torch.Tensor:
    """The saliency of `linear_model` on batches of two, by hand."""
    weight = linear_model()[1].detach()
    gradients = [gradient_of(weight, samples, index) for index in ([0, 1], [2, 3], [4, 5])]
    return (weight * sum(gradient if signed else gradient.abs() for gradient in gradients)).abs()


@pytest.mark.parametrize("accumulation", ["absolute", "signed"])
@pytest.mark.parametrize("norm", ["none", "mean", "l2"])
def test_settings_reach_the_class_aware_saliency(accumulation, norm):
    (model, weight), samples = linear_model(), line_samples()
    settings = CrispPruning.of(batch_size=2, accumulation=accumulation, layer_norm=norm)
    expected = summed(samples, signed=accumulation == "signed")
    scale = {"none": 1.0, "mean": expected.mean(), "l2": expected.norm()}[norm]
    actual = measured(model, {"1": weight}, samples, settings)["1"]
    torch.testing.assert_close(actual, expected / scale)


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_class_aware_saliency_has_the_precision_asked_for(precision, dtype):
    (model, weight), types = linear_model(), []
    model[1].register_forward_hook(lambda module, args, output: types.append(output.dtype))
    measured(model, {"1": weight}, line_samples(), CrispPruning.of(precision=precision))
    assert types == [dtype]


def test_saliency_without_samples(mixed_net, samples):
    weights = {"conv": mixed_net.conv.weight, "linear": mixed_net.linear.weight}
    magnitude = measured(mixed_net, weights, samples, CrispPruning.of(saliency="magnitude"))
    assert torch.equal(magnitude["conv"], mixed_net.conv.weight.detach().abs())
    relative = measured(mixed_net, weights, samples, CrispPruning.of(saliency="magnitude", layer_norm="mean"))
    torch.testing.assert_close(relative["linear"].mean(), torch.tensor(1.0))
    settings = CrispPruning.of(saliency="random", seed=1)
    first, second = (measured(mixed_net, weights, samples, settings) for _ in range(2))
    assert torch.equal(first["linear"], second["linear"])
    other = measured(mixed_net, weights, samples, CrispPruning.of(saliency="random", seed=2))
    assert not torch.equal(first["linear"], other["linear"])


@pytest.mark.parametrize("accumulation", ["absolute", "signed"])
def test_decay_of_sr_ste_is_no_saliency(mixed_net, samples, accumulation):
    def saliency(gradient):
        model = copy.deepcopy(mixed_net)
        # Pruned weights make up most of a decay this large.
        mask = attach_mask(model.conv, gradient=gradient, decay=0.5)
        mask.mask.flatten()[::2] = False
        settings = CrispPruning.of(accumulation=accumulation, batch_size=16)
        found = measured(model, {"conv": dense_weight(model.conv)}, samples, settings)["conv"]
        return found, mask.decay

    (plain, _), (decayed, decay) = saliency("ste"), saliency("sr-ste")
    assert torch.equal(plain, decayed)
    assert decay == 0.5


def test_saliency_on_some_of_the_samples(mixed_net, samples):
    weights = {"conv": mixed_net.conv.weight}
    settings = CrispPruning.of(saliency_samples=8, batch_size=96)
    some = measured(mixed_net, weights, samples, settings)["conv"]
    chosen = samples.spread(8)
    assert torch.bincount(chosen.labels).tolist() == [2, 2, 2, 2]
    assert torch.equal(some, measured(mixed_net, weights, chosen, CrispPruning.of(batch_size=96))["conv"])


def test_magnitude_of_a_weight_that_is_not_finite(mixed_net, samples):
    with torch.no_grad():
        mixed_net.conv.weight[0] = float("inf")
    with pytest.raises(SaliencyError, match="the saliency of 'conv' is NaN or infinite; expected finite"):
        measured(mixed_net, {"conv": mixed_net.conv.weight}, samples, CrispPruning.of(saliency="magnitude"))


def test_class_aware_saliency_of_a_weight_that_is_not_finite():
    model, _ = linear_model()
    stray = nn.Parameter(torch.full((2, 2), float("inf")))  # of gradient 0: infinity times that is NaN
    with pytest.raises(SaliencyError, match="the saliency of 'stray' is NaN or infinite; expected finite"):
        measured(model, {"stray": stray}, line_samples(), CrispPruning.of(batch_size=2))


def test_model_is_left_as_it_was(mixed_net, samples):
    mixed_net.train().bn.eval()
    before = {name: value.clone() for name, value in mixed_net.state_dict().items()}
    saliency = measured(mixed_net, {"conv": mixed_net.conv.weight}, samples, CrispPruning.of(batch_size=32))
    assert (mixed_net.training, mixed_net.bn.training, mixed_net.bn2.training) == (True, False, True)
    assert mixed_net.conv.weight.grad is None
    assert all(torch.equal(before[name], value) for name, value in mixed_net.state_dict().items())
    assert bool((saliency["conv"] >= 0).all())
    assert float(saliency["conv"].sum()) > 0


def test_weight_without_influence_has_no_saliency():
    model, _ = linear_model()
    stray = nn.Parameter(torch.ones(2, 2))
    saliency = measured(model, {"stray": stray}, line_samples(), CrispPruning.of(batch_size=3))
    assert saliency["stray"].tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_nan_gradient_names_layer_and_batch():
    model, weight = linear_model()
    samples = line_samples()
    samples.images[3] = float("nan")
    message = "the gradient of 'head' is NaN or infinite in batch 1; expected finite numbers"
    with pytest.raises(SaliencyError, match=message):
        measured(model, {"head": weight}, samples, CrispPruning.of(batch_size=2))
