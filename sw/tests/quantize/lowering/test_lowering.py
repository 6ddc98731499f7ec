"""Lowering keeps what a model computes, and refuses by name what has no integer counterpart."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crisp_sw.models import build_model
from crisp_sw.quantize.lowering.float_network import Activation, FloatConv, layer_name, module_name
from crisp_sw.quantize.lowering.lowering import lower
from crisp_sw.quantize.lowering.torch_layers import UnsupportedModelError
from sw.tests.quantize.small_models import Model, assert_same, convolution


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


@pytest.mark.parametrize(
    "join",
    [
        lambda y: y.view(y.size(0), -1),
        lambda y: y.view(y.shape[0], y.shape[1]),
        lambda y: y.reshape(-1, 6),
        lambda y: torch.reshape(y, (y.size()[0], 6)),
        lambda y: y.view([y.size(dim=0), y.size(-3)]),
    ],
)
def test_reshapes_that_are_a_flatten(join):
    model = Model(
        lambda m, x: m.b(join(m.a(x).mean((2, 3), keepdim=True))), a=convolution(2, 6), b=nn.Linear(6, 3)
    )
    assert assert_same(model, (2, 4, 4)) == ["a", "mean", "b"]


def test_attributes_set_after_construction():
    """The computation reads weights, and attributes as they are; one number stands for both axes."""
    layer = nn.Conv2d(2, 4, 1)
    layer.stride, layer.padding, layer.dilation = 2, 1, 1  # pyright: ignore[reportAttributeAccessIssue]
    layer.weight = nn.Parameter(torch.randn(4, 3, 3, 3))
    norm = nn.BatchNorm2d(4)
    norm.register_parameter("bias", None)
    model = nn.Sequential(layer, norm, nn.ReLU()).double().eval()
    images = torch.randn(2, 3, 6, 6, dtype=torch.float64)
    torch.testing.assert_close(lower(model, (3, 6, 6)).run(images), model(images).flatten(1).detach())


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
        lambda m, x: F.relu6(m.a(x).relu()),
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
    ("other batch", "operation 'view'.*join all axes but the batch", lambda m, x: m.a(x).view(-1, 4), {}),
    ("one image", "operation 'view'", lambda m, x: m.a(x).view(1, -1), {}),
    ("swapped axes", "operation 'view'", lambda m, x: (lambda y: y.view(y.size(1), -1))(m.a(x)), {}),
    ("part of the axes", "Flatten.* 'd', which keeps", lambda m, x: m.d(m.a(x)), {"d": nn.Flatten(1, 2)}),
    ("mean of a vector", "needs an image as input", lambda m, x: m.a(x).flatten(1).mean((-2, -1)), {}),
    ("pool of a vector", "needs an image as input", lambda m, x: F.max_pool2d(m.a(x).flatten(1), 2), {}),
    (
        "vector and image",
        "add 'add' of a flattened tensor and an image",
        lambda m, x: (lambda y: m.d(y.flatten(1)) + y)(m.a(x).mean((2, 3), keepdim=True)),
        {"d": nn.Linear(2, 2)},
    ),
    ("indexed", "operation 'getitem'", lambda m, x: m.a(x[:, :2]), {}),
    ("computed kernel", "needs a constant kernel", lambda m, x: F.max_pool2d(m.a(x), x.size(2)), {}),
    ("indices", "needs one result", lambda m, x: m.d(m.a(x)), {"d": nn.MaxPool2d(2, return_indices=True)}),
    (
        "statistics of the batch",
        r"layer 'n' needs running statistics \(track_running_stats=True\)",
        lambda m, x: m.n(m.a(x)),
        {"n": nn.BatchNorm2d(2, track_running_stats=False)},
    ),
    (
        "other features",
        "layer 'n' needs 2 features, not 3",
        lambda m, x: m.n(m.a(x)),
        {"n": nn.BatchNorm2d(3)},
    ),
    (
        "features of pixels",
        "layer 'n' needs 2 features, not 32",
        lambda m, x: m.n(m.a(x).flatten(1)),
        {"n": nn.BatchNorm1d(32)},
    ),
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
    ("no layer", "the model has no layer that computes", lambda m, x: x.flatten(1), {}),
    ("two outputs", "must return one tensor", lambda m, x: (m.a(x), x), {}),  # type: ignore[dict-item]
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


def test_one_pooling_module_can_be_called_several_times():
    def forward(m: Model, x: Tensor) -> Tensor:
        x = m.pool(F.relu(m.a(x)))
        x = m.gap(m.pool(F.relu(m.pool_1(x))))
        return m.f(m.gap(x).flatten(1))

    model = Model(
        forward,
        a=convolution(3, 4),
        pool=nn.MaxPool2d(2),
        pool_1=convolution(4, 5),
        gap=nn.AdaptiveAvgPool2d(1),
        f=nn.Linear(5, 2),
    )
    names = ["a", "pool", "pool_1", "pool_2", "gap", "gap_1", "f"]
    assert assert_same(model, (3, 8, 8)) == names


def test_layers_of_functions_have_names_that_no_module_has():
    def forward(m: Model, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(m.mean(x)), 2)
        return m.f(m.max_pool2d(x).mean((2, 3)))

    model = Model(forward, mean=convolution(3, 4), max_pool2d=convolution(4, 5), f=nn.Linear(5, 2))
    assert assert_same(model, (3, 4, 4)) == ["mean", "max_pool2d_1", "max_pool2d", "mean_1", "f"]


def test_layer_of_a_module_named_as_the_image():
    model = Model(lambda m, x: m.pool(m.input(x)), input=convolution(3, 4), pool=nn.MaxPool2d(2))
    assert assert_same(model, (3, 4, 4)) == ["input.", "pool"]
    assert (layer_name("input"), module_name("input.")) == ("input.", "input")
    assert layer_name("a.input") == module_name("a.input") == "a.input"


def test_a_second_relu_changes_nothing():
    def forward(m: Model, x: Tensor) -> Tensor:
        y = F.relu(m.a(x))
        return F.relu(F.relu6(m.b(F.relu(y)) + y))

    model = Model(forward, a=convolution(3, 4), b=convolution(4, 4))
    assert assert_same(model, (3, 4, 4)) == ["a", "b"]
