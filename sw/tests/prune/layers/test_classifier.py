"""Cutting a classifier to the user's classes."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, weight_norm
from torch.nn.utils import prune as torch_prune

from crisp_sw.prune import fine_tune_dense, prune_for_classes, settings_of
from crisp_sw.prune.errors import PruneError, SamplesError
from crisp_sw.prune.layers.classifier import restrict_classifier
from sw.tests.prune.changed_settings import of_method


def test_logits_are_those_of_the_chosen_classes(mixed_net, samples):
    mixed_net.eval()
    images = samples.normalised(torch.arange(5))
    restricted = restrict_classifier(mixed_net, (3, 0))
    torch.testing.assert_close(restricted(images), mixed_net(images)[:, [3, 0]])
    assert restricted.get_submodule("linear").weight.shape == (2, 32)
    assert mixed_net.linear.out_features == 4


def test_without_bias_and_by_name():
    model = nn.Sequential(nn.Linear(4, 5, bias=False), nn.ReLU(), nn.Linear(5, 2))
    restricted = restrict_classifier(model, [4], layer_name="0").state_dict()
    assert list(restricted) == ["0.weight", "2.weight", "2.bias"]
    assert torch.equal(restricted["0.weight"], model.state_dict()["0.weight"][4:])


def test_convolution_that_classifies():
    model = nn.Sequential(
        nn.Conv2d(2, 8, 3), nn.Conv2d(8, 6, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    restricted = restrict_classifier(model, (5, 2))
    images = torch.rand(3, 2, 5, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(restricted(images), model(images)[:, [5, 2]])
    assert str(restricted.get_submodule("1")) == "Conv2d(8, 2, kernel_size=(1, 1), stride=(1, 1))"
    with pytest.raises(PruneError, match="class 6 is not an output of '1'; expected 0 to 5"):
        restrict_classifier(model, (6,))


@pytest.mark.parametrize(
    ("class_indices", "message"),
    [
        ((4,), "class 4 is not an output of 'linear'; expected 0 to 3"),
        ((-1,), "class -1 is not an output of 'linear'; expected 0 to 3"),
        ((1, 1), r"`class_indices` must be a list of one or more different classes, not \[1, 1\]"),
        ((), r"`class_indices` must be a list of one or more different classes, not \(\)"),
        (2, "`class_indices` must be a list of one or more different classes, not 2"),
        ("13", "`class_indices` must be a list of one or more different classes, not '13'"),
        ({0, 1}, r"`class_indices` must be a list of one or more different classes, not \{0, 1\}"),
        (None, "`class_indices` must be a list of one or more different classes, not None"),
        (("0", "1"), "`class_indices` must be integers, not '0'"),
        ((0, 1.0), "`class_indices` must be integers, not 1.0"),
        ((True, False), "`class_indices` must be integers, not True"),
        ((torch.ones(2), 1), r"`class_indices` must be integers, not tensor\(\[1\., 1\.\]\)"),
    ],
)
def test_bad_classes_are_named(mixed_net, class_indices, message):
    with pytest.raises(PruneError, match=message):
        restrict_classifier(mixed_net, class_indices)


@pytest.mark.parametrize(
    "indices",
    [torch.tensor([3, 0]), np.array([3, 0]), range(3, -1, -3), [torch.tensor(3), np.int64(0)], iter([3, 0])],
)
def test_classes_of_any_list(mixed_net, indices):
    expected = mixed_net.linear.weight[[3, 0]]
    assert torch.equal(restrict_classifier(mixed_net, indices).get_parameter("linear.weight"), expected)


def test_layer_names_and_weights_that_are_none(mixed_net):
    with pytest.raises(PruneError, match=r"`layer_name` must be a string, not \['linear'\]"):
        restrict_classifier(mixed_net, (0,), layer_name=["linear"])  # pyright: ignore[reportArgumentType]
    mixed_net.linear = nn.LazyLinear(4)
    with pytest.raises(
        PruneError, match="the classifier 'linear' has no weights yet; expected a model that has"
    ):
        restrict_classifier(mixed_net, (0,))


def test_models_without_that_classifier(mixed_net):
    with pytest.raises(PruneError, match="'1' is no classifier; expected one of 0"):
        restrict_classifier(nn.Sequential(nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 3)), (0,))
    for name in ("head", "conv", "depthwise"):
        with pytest.raises(PruneError, match=f"'{name}' is no classifier; expected one of pointwise, linear"):
            restrict_classifier(mixed_net, (0,), layer_name=name)
    with pytest.raises(PruneError, match="the classifier '0' is parametrized; expected a plain layer"):
        restrict_classifier(nn.Sequential(parametrizations.weight_norm(nn.Linear(2, 2))), (0,))
    for hooked in (weight_norm(nn.Linear(2, 2)), torch_prune.identity(nn.Linear(2, 2), "weight")):
        with pytest.raises(PruneError, match="a hook computes the weight of the classifier '0'; expected a"):
            restrict_classifier(nn.Sequential(hooked), (0,))


class Auxiliary(nn.Module):
    """With a head for training alone, which is registered last."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 16, 3, padding=1)
        self.second = nn.Conv2d(16, 20, 3, padding=1)
        self.fc, self.aux = nn.Linear(20, 6), nn.Linear(20, 6)

    def forward(self, x):
        features = self.second(self.first(x).relu()).relu().mean((2, 3))
        return Heads(self.fc(features), self.aux(features)) if self.training else self.fc(features)


class Heads(NamedTuple):
    logits: torch.Tensor
    aux: torch.Tensor


def test_auxiliary_head_that_is_registered_last_is_not_the_classifier():
    model = Auxiliary()
    restricted = restrict_classifier(model, (4, 0))
    assert model.training
    assert restricted.training
    shapes = {name: len(value) for name, value in restricted.state_dict().items()}
    assert (shapes["fc.weight"], shapes["fc.bias"], shapes["aux.weight"]) == (2, 2, 6)


def test_a_model_of_other_outputs_than_classes_is_refused_before_training(samples):
    wrong = restrict_classifier(Auxiliary(), (4, 0, 1), layer_name="aux")
    samples = replace(samples, labels=samples.labels % 3, classes=(4, 0, 1))
    message = "the model has 6 outputs for 3 classes; expected 3, as after `restrict_classifier`"
    for prune in (prune_for_classes, fine_tune_dense):
        with pytest.raises(SamplesError, match=message):
            prune(wrong, samples, settings_of())


def test_a_single_class_may_stand_against_all_others(samples):
    settings = settings_of(
        n=2, block=4, sparsity=0.5, iterations=1, epochs_per_iteration=0, final_epochs=0, batch_size=16
    )
    samples = replace(samples, labels=samples.labels % 2, classes=(5,))
    assert prune_for_classes(restrict_classifier(Auxiliary(), (5, 0)), samples, settings).patterns
    with pytest.raises(SamplesError, match="the model has 3 outputs for 1 classes; expected 1"):
        prune_for_classes(restrict_classifier(Auxiliary(), (5, 0, 1)), samples, settings)


@pytest.mark.parametrize("method", ["crisp", "channel", "reference_compat"])
def test_the_layer_that_makes_the_outputs_is_the_classifier_everywhere(samples, method):
    if method == "channel":
        pytest.importorskip("torch_pruning")
    settings = of_method(
        method,
        block=4,
        sparsity=0.5,
        iterations=1,
        epochs_per_iteration=0,
        final_epochs=0,
        batch_size=16,
    )
    model = restrict_classifier(Auxiliary(), (4, 0, 1, 2))
    result = prune_for_classes(model, samples, settings)
    assert len(result.model.get_parameter("fc.weight")) == 4
    whole = prune_for_classes(model, samples, settings.with_values(dense_classifier=True))
    reasons = {layer.name: layer.dense_reason for layer in whole.report.layers}
    assert reasons["fc"] == "the classifier"
    assert reasons["aux"] is None
