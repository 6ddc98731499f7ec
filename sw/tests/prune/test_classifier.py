"""Cutting a classifier to the user's classes."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from crisp_sw.prune.classifier import restrict_classifier
from crisp_sw.prune.errors import PruneError


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
        ((1, 1), r"`class_indices` must be one or more different classes, not \[1, 1\]"),
        ((), r"`class_indices` must be one or more different classes, not \[\]"),
    ],
)
def test_bad_classes_are_named(mixed_net, class_indices, message):
    with pytest.raises(PruneError, match=message):
        restrict_classifier(mixed_net, class_indices)


def test_models_without_that_classifier(mixed_net):
    with pytest.raises(
        PruneError, match="the model has no Linear layer, and does not end in a Conv2d of kern"
    ):
        restrict_classifier(nn.Sequential(nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 3)), (0,))
    for name in ("head", "conv", "depthwise"):
        with pytest.raises(PruneError, match=f"'{name}' is no classifier; expected one of pointwise, linear"):
            restrict_classifier(mixed_net, (0,), layer_name=name)
    with pytest.raises(PruneError, match="the classifier '0' is parametrized; expected a plain layer"):
        restrict_classifier(nn.Sequential(parametrizations.weight_norm(nn.Linear(2, 2))), (0,))
