"""Saliency against its formula, written out for a model whose gradients are known."""

import pytest
import torch
from torch import nn

from crisp_sw.prune.errors import SaliencyError
from crisp_sw.prune.saliency import accumulate_saliency
from crisp_sw.prune.samples import ClassSamples


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


@pytest.mark.parametrize("accumulation", ["absolute", "signed"])
def test_saliency_formula(accumulation):
    model, weight = linear_model()
    samples = line_samples()
    actual = accumulate_saliency(model, {"1": weight}, samples, batch_size=2, accumulation=accumulation)
    gradients = [gradient_of(weight.detach(), samples, index) for index in ([0, 1], [2, 3], [4, 5])]
    if accumulation == "absolute":
        gradients = [gradient.abs() for gradient in gradients]
    torch.testing.assert_close(actual["1"], (weight.detach() * sum(gradients)).abs())


def test_model_is_left_as_it_was(mixed_net, samples):
    mixed_net.train()
    before = {name: value.clone() for name, value in mixed_net.state_dict().items()}
    saliency = accumulate_saliency(mixed_net, {"conv": mixed_net.conv.weight}, samples, batch_size=32)
    assert mixed_net.training
    assert mixed_net.conv.weight.grad is None
    assert all(torch.equal(before[name], value) for name, value in mixed_net.state_dict().items())
    assert bool((saliency["conv"] >= 0).all())
    assert float(saliency["conv"].sum()) > 0


def test_weight_without_influence_has_no_saliency():
    model, _ = linear_model()
    stray = nn.Parameter(torch.ones(2, 2))
    saliency = accumulate_saliency(model, {"stray": stray}, line_samples(), batch_size=3)
    assert saliency["stray"].tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_nan_gradient_names_layer_and_batch():
    model, weight = linear_model()
    samples = line_samples()
    samples.images[3] = float("nan")
    message = "the gradient of 'head' is NaN or infinite in batch 1; expected finite numbers"
    with pytest.raises(SaliencyError, match=message):
        accumulate_saliency(model, {"head": weight}, samples, batch_size=2)
