"""Lowering keeps what a model computes, and refuses by name what has no integer counterpart."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crisp_sw.models import build_model
from crisp_sw.quantize.float_network import Activation, FloatConv
from crisp_sw.quantize.lowering import lower
from crisp_sw.quantize.torch_layers import UnsupportedModelError


class Model(nn.Module):
    """A module whose forward pass is a function of itself and the image."""

    def __init__(self, forward: Callable[["Model", Tensor], Tensor], **layers: nn.Module):
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.function = forward

    def __getattr__(self, name: str) -> Any:  # layers, for the type checker
        return super().__getattr__(name)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self, x)


def randomise(model: nn.Module, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.uniform_(-0.5, 0.5)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return model.double().eval()


def assert_same(model: nn.Module, shape: tuple[int, int, int]) -> list[str]:
    """The lowered network computes what the model does; returns the layers' names."""
    randomise(model)
    network = lower(model, shape)
    images = torch.randn(3, *shape, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(network.run(images), model(images).flatten(1), rtol=1e-9, atol=1e-9)
    for name, tensor in network.walk(images):
        assert tuple(tensor.shape[1:]) == network.shapes[name]
    return [layer.name for layer in network.layers]


def convolution(c: int, k: int, size: int = 3, **options) -> nn.Conv2d:
    return nn.Conv2d(c, k, size, padding=size // 2, **options)


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "vgg16", "vgg16-bn", "mobilenet-v2"])
def test_networks_for_large_images(name):
    """At 224x224, where VGG's average pooling is one; a sixteenth of the width keeps it short."""
    model = build_model(name, in_channels=3, num_classes=5, width=1 / 16)
    layers = assert_same(model, (3, 224, 224))
    assert len(layers) == sum(
        isinstance(module, nn.Conv2d | nn.Linear | nn.MaxPool2d)
        or (isinstance(module, nn.AdaptiveAvgPool2d) and module.output_size == 1)
        for module in model.modules()
    )


@pytest.mark.parametrize("size", [28, 32])
@pytest.mark.parametrize("name", ["small-resnet", "small-mobilenet-v2"])
def test_networks_of_the_package(name, size):
    names = assert_same(build_model(name, in_channels=3, num_classes=5), (3, size, size))
    assert names[-1] == "linear"
    assert len(names) == sum(
        isinstance(module, nn.Conv2d | nn.Linear | nn.AdaptiveAvgPool2d)
        for module in build_model(name, in_channels=3, num_classes=5).modules()
    )


def test_functional_operations():
    def forward(self: Model, x: Tensor) -> Tensor:
        x = F.relu(self.a(x))
        x = F.max_pool2d(x, 3, stride=2, padding=1)
        x = F.relu6(self.b(x))
        return self.c(F.adaptive_avg_pool2d(x, 1).view(x.size(0), -1))

    names = assert_same(
        Model(forward, a=convolution(2, 4), b=convolution(4, 6, 5), c=nn.Linear(6, 3)), (2, 9, 7)
    )
    assert names == ["a", "max_pool2d", "b", "adaptive_avg_pool2d", "c"]


def test_mean_dropout_and_methods():
    def forward(self: Model, x: Tensor) -> Tensor:
        x = self.drop(self.a(x)).relu()
        return self.c(x.mean((2, 3)))

    model = Model(forward, a=convolution(2, 4, padding_mode="zeros"), drop=nn.Dropout(), c=nn.Linear(4, 3))
    assert assert_same(model, (2, 6, 6)) == ["a", "mean", "c"]


def test_linear_layers_take_the_input_map_as_kernel():
    model = nn.Sequential(
        convolution(1, 4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(4 * 5 * 3, 8),
        nn.BatchNorm1d(8),
        nn.ReLU(),
        nn.Linear(8, 3),
    )
    assert_same(model, (1, 10, 6))
    layers = lower(model, (1, 10, 6)).layers
    assert isinstance(layers[2], FloatConv)
    assert layers[2].weight.shape == (8, 4, 5, 3)
    assert layers[2].activation is Activation.RELU


def test_average_pooling_to_the_size_of_its_input_is_nothing():
    def forward(self: Model, x: Tensor) -> Tensor:
        x = F.adaptive_avg_pool2d(self.pool(self.a(x)), (3, 4))
        return self.b(x.flatten(1))

    model = Model(forward, a=convolution(2, 4), pool=nn.AdaptiveAvgPool2d((3, 4)), b=nn.Linear(48, 3))
    assert assert_same(model, (2, 3, 4)) == ["a", "b"]


def test_same_and_valid_padding():
    model = nn.Sequential(
        nn.Conv2d(2, 3, (3, 5), padding="same"), nn.Conv2d(3, 2, 3, stride=2, padding="valid")
    )
    assert_same(model, (2, 9, 9))


def test_addition_joins_the_open_convolution_wherever_it_is():
    def early(self: Model, x: Tensor) -> Tensor:
        return (self.a(x) + F.relu(self.b(x))).relu()

    def late(self: Model, x: Tensor) -> Tensor:
        y = F.relu(self.b(x))
        return torch.add(y, self.a(x))

    for forward in (early, late):
        model = Model(forward, a=convolution(2, 4), b=convolution(2, 4))
        assert assert_same(model, (2, 5, 5)) == ["b", "a"]
        last = lower(model, (2, 5, 5)).layers[-1]
        assert isinstance(last, FloatConv)
        assert last.residual == "b"


def test_addition_to_the_image_itself():
    def forward(self: Model, x: Tensor) -> Tensor:
        y = self.a(x)
        y += x
        return y

    assert assert_same(Model(forward, a=convolution(2, 2)), (2, 4, 4)) == ["a"]


UNSUPPORTED: list[tuple[str, str, Callable[[Model, Tensor], Tensor], dict[str, nn.Module]]] = [
    ("sigmoid module", r"module 's' \(Sigmoid\)", lambda m, x: m.s(m.a(x)), {"s": nn.Sigmoid()}),
    ("sigmoid function", "operation 'sigmoid'", lambda m, x: m.a(x).sigmoid(), {}),
    (
        "two activations",
        "whose input is not a convolution read by it alone",
        lambda m, x: m.a(x).relu().relu(),
        {},
    ),
    ("shared before relu", "read by it alone", lambda m, x: (lambda y: y.relu() + y)(m.a(x)), {}),
    ("adds two images", "no operand of which is a plain convolution", lambda m, x: m.a(x + x), {}),
    ("adds a number", "no operand of which is a plain convolution", lambda m, x: m.a(x) + 1, {}),
    ("adds activations", "no operand", lambda m, x: m.a(x).relu() + m.b(x).relu(), {"b": convolution(2, 2)}),
    ("shapes differ", "of shapes", lambda m, x: m.a(x) + m.b(x), {"b": nn.Conv2d(2, 1, 3, padding=1)}),
    (
        "bare norm",
        "BatchNorm 'n', which does not directly follow",
        lambda m, x: m.n(m.a(x).relu()),
        {"n": nn.BatchNorm2d(2)},
    ),
    ("used twice", "layer 'a' is used twice", lambda m, x: m.a(m.a(x)), {}),
    ("concatenation", "operation 'cat'|without a tensor operand", lambda m, x: torch.cat([m.a(x), x], 1), {}),
    ("reshape to four axes", "operation 'reshape'", lambda m, x: m.a(x).reshape(-1, 1, 2, 8), {}),
    (
        "dilation",
        "layer 'd' needs dilation 1, not",
        lambda m, x: m.d(x),
        {"d": nn.Conv2d(2, 2, 3, dilation=2)},
    ),
    (
        "strides",
        "layer 'd' needs equal strides",
        lambda m, x: m.d(x),
        {"d": nn.Conv2d(2, 2, 3, stride=(1, 2))},
    ),
    (
        "padding mode",
        "needs zero padding, not reflect",
        lambda m, x: m.d(x),
        {"d": nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect")},
    ),
    ("even same", "an odd kernel", lambda m, x: m.d(x), {"d": nn.Conv2d(2, 2, 2, padding="same")}),
    ("channels", "needs 3 input channels, not 2", lambda m, x: m.d(x), {"d": nn.Conv2d(3, 2, 1)}),
    ("linear on an image", "needs a flattened input", lambda m, x: m.d(x), {"d": nn.Linear(4, 2)}),
    ("linear size", "in_features = C", lambda m, x: m.d(x.flatten(1)), {"d": nn.Linear(5, 2)}),
    ("image after flatten", "needs an image as input", lambda m, x: m.a(x.flatten(1)), {}),
    ("ceil", "needs ceil_mode=False", lambda m, x: m.d(m.a(x)), {"d": nn.MaxPool2d(3, ceil_mode=True)}),
    ("oblong pool", "needs a square kernel_size", lambda m, x: m.d(m.a(x)), {"d": nn.MaxPool2d((2, 3))}),
    ("too small", "no output pixel", lambda m, x: m.d(x), {"d": nn.Conv2d(2, 2, 9)}),
    (
        "adaptive size",
        "average pooling 'd' of 4x4 pixels to 2",
        lambda m, x: m.d(m.a(x)),
        {"d": nn.AdaptiveAvgPool2d(2)},
    ),
    ("data-dependent", "cannot trace Model", lambda m, x: m.a(x) if x.sum() > 0 else x, {}),
    ("no layer", "the output of its last layer", lambda m, x: x.flatten(1), {}),
    ("two outputs", "must return one tensor", lambda m, x: (m.a(x), x), {}),  # type: ignore[dict-item]
    (
        "result is not last",
        "the output of its last layer",
        lambda m, x: (lambda y: (m.b(x), y)[1])(m.a(x)),
        {"b": convolution(2, 2)},
    ),
]


@pytest.mark.parametrize(
    ("message", "forward", "layers"),
    [case[1:] for case in UNSUPPORTED],
    ids=[case[0] for case in UNSUPPORTED],
)
def test_unsupported_models_are_refused_by_name(message, forward, layers):
    with pytest.raises(UnsupportedModelError, match=message):
        lower(Model(forward, a=convolution(2, 2), **layers), (2, 4, 4))


def test_second_input_is_refused():
    class TwoInputs(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return x + y

    with pytest.raises(UnsupportedModelError, match="'y' is a second one"):
        lower(TwoInputs(), (1, 4, 4))
