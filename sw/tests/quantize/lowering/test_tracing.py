"""Tracing keeps what in-place operations, arguments and subclasses do, or refuses them by name."""

import types

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crisp_sw.quantize import UnsupportedModelError, lower
from crisp_sw.quantize.lowering.tracing import kind_of
from sw.tests.quantize.small_models import Model, assert_same, convolution


def layers() -> dict[str, nn.Module]:
    return {"a": convolution(3, 8), "b": convolution(8, 8), "c": convolution(8, 8), "i": nn.Identity()}


def add_by_another_name(m: Model, x: Tensor) -> Tensor:
    y = F.relu(m.a(x))
    before = y
    y += m.b(y)
    return m.c(y) + before


def add_as_a_statement(m: Model, x: Tensor) -> Tensor:
    y = F.relu(m.a(x))
    before, z = y, m.b(y)
    y.add_(z)
    return m.c(y) + before


def relu_as_a_statement(m: Model, x: Tensor) -> Tensor:
    y = m.a(x)
    F.relu(y, inplace=True)
    return m.b(y)


def relu_module_as_a_statement(m: Model, x: Tensor) -> Tensor:
    y = m.a(x)
    m.r(y)
    return m.b(y)


def add_to_the_image(m: Model, x: Tensor) -> Tensor:
    image = x
    x += m.d(x)
    return m.a(image)


@pytest.mark.parametrize(
    "forward",
    [
        add_by_another_name,
        add_as_a_statement,
        relu_as_a_statement,
        relu_module_as_a_statement,
        add_to_the_image,
    ],
)
def test_who_reads_an_overwritten_tensor_reads_the_result(forward):
    extra = {"d": convolution(3, 3), "r": nn.ReLU(inplace=True)}
    model = Model(forward, **layers(), **extra).double().eval()
    images = torch.randn(2, 3, 5, 5, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(lower(model, (3, 5, 5)).run(images), model(images.clone()).flatten(1))


def relu_under_a_flatten(m: Model, x: Tensor) -> Tensor:
    y = m.a(x)
    flat = y.flatten(1)
    y.relu_()
    return m.f(flat)


def add_under_an_identity(m: Model, x: Tensor) -> Tensor:
    y = F.relu(m.a(x))
    same, z = m.i(y), m.b(y)
    y += z
    return m.c(same)


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (
            relu_under_a_flatten,
            "in-place operation 'relu_' changes what 'f' reads of 'flatten'",
        ),
        (add_under_an_identity, "in-place operation 'iadd' changes what 'c' reads of 'i'"),
        (lambda m, x: m.b(torch.add(m.a(x), m.a(x), out=x)), "'add' with the argument 'out'"),
        (
            lambda m, x: m.a(x).mean((2, 3), dtype=torch.float64),
            "'mean' with the argument 'dtype'",
        ),
        (lambda m, x: torch.add(m.a(x), m.d(x), alpha=2), "add 'add' with alpha 2"),
        (lambda m, x: F.dropout(m.a(x)), "operation 'dropout'"),
        (lambda m, x: (m.a(x), torch.sigmoid_(x))[0] + m.d(x), "operation 'sigmoid_'"),
    ],
)
def test_what_lowering_would_leave_out_is_refused(forward, message):
    model = Model(forward, **layers(), d=convolution(3, 8), f=nn.Linear(200, 2))
    with pytest.raises(UnsupportedModelError, match=message):
        lower(model, (3, 5, 5))


def test_arguments_by_name():
    def forward(m: Model, x: Tensor) -> Tensor:
        x = F.relu(input=m.n(input=m.a(input=x)))
        x = torch.add(input=m.b(input=x), other=x)
        x = F.dropout(F.max_pool2d(input=x, kernel_size=2, stride=(2, 2)), training=m.training)
        return m.f(torch.flatten(input=torch.mean(input=x, dim=(2, 3), keepdim=True), start_dim=1))

    model = Model(forward, **layers(), n=nn.BatchNorm2d(8), f=nn.Linear(8, 2))
    assert assert_same(model, (3, 6, 6)) == ["a", "b", "max_pool2d", "mean", "f"]


class Plain(nn.Conv2d):
    """Computes as its base class does."""


class Doubling(nn.Conv2d):
    def forward(self, input: Tensor) -> Tensor:
        return 2 * super().forward(input)


class OtherWeight(nn.Conv2d):
    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return super()._conv_forward(input, weight / 2, bias)


class CalledTwice(nn.Conv2d):
    def __call__(self, input: Tensor) -> Tensor:
        return 2 * super().__call__(input)


@pytest.mark.parametrize("kind", [Doubling, OtherWeight, CalledTwice])
def test_subclasses_that_compute_something_else_are_refused(kind):
    model = Model(lambda m, x: m.a(x), a=kind(3, 4, 1))
    assert kind_of(model.a) is None
    with pytest.raises(UnsupportedModelError, match=r"'a.weight', which code of the model reads itself"):
        lower(model, (3, 4, 4))


def test_subclasses_that_compute_the_same_are_lowered():
    model = Model(lambda m, x: m.a(x), a=Plain(3, 4, 1))
    assert kind_of(model.a) is nn.Conv2d
    assert assert_same(model, (3, 4, 4)) == ["a"]


@pytest.mark.parametrize("name", ["forward", "_conv_forward"])
def test_replaced_forward_passes_of_layers_are_refused(name):
    model = Model(lambda m, x: m.a(x), a=convolution(3, 4))
    setattr(model.a, name, types.MethodType(lambda self, x, *_: 2 * x, model.a))
    with pytest.raises(UnsupportedModelError, match=r"module 'a' \(Conv2d\), whose forward pass is its own"):
        lower(model, (3, 4, 4))


def test_replaced_forward_pass_of_the_model_is_refused():
    model = nn.Sequential(convolution(3, 4))
    model.forward = lambda input: 2 * input
    with pytest.raises(UnsupportedModelError, match="the forward pass of this Sequential was replaced"):
        lower(model, (3, 4, 4))


def test_parallel_layers_are_seen_through():
    model = nn.Sequential(nn.DataParallel(nn.Sequential(convolution(3, 4), nn.ReLU())), convolution(4, 2))
    assert assert_same(model, (3, 4, 4)) == ["0.module.0", "1"]


class Options(nn.Module):
    """Takes more than the image, and calls its own ``part`` of the arguments."""

    def __init__(self):
        super().__init__()
        self.a, self.f = convolution(3, 4), nn.Linear(4, 2)

    def logits(self, x: Tensor) -> Tensor:
        return self.f(F.relu(self.a(x)).mean((2, 3)))


class Flag(Options):
    def forward(self, x: Tensor, features: bool = False) -> Tensor:
        return self.a(x) if features else self.logits(x)


class OptionalMask(Options):
    def forward(self, x: Tensor, mask: Tensor | None = None, *, scale: float = 1.0) -> Tensor:
        x = x if mask is None else x * mask
        return self.logits(x) if scale == 1.0 else scale * self.logits(x)


class Anything(Options):
    def forward(self, *args, **kwargs) -> Tensor:
        return self.logits(*args, **kwargs)


@pytest.mark.parametrize("kind", [Flag, OptionalMask, Anything])
def test_arguments_that_are_not_given_have_their_defaults(kind):
    assert assert_same(kind(), (3, 4, 4)) == ["a", "mean", "f"]


def test_slices_of_a_sequential_are_followed():
    features = nn.Sequential(convolution(3, 4), nn.ReLU(), convolution(4, 4), nn.ReLU(), convolution(4, 2))
    model = Model(lambda m, x: m.features[2:4](m.first(x)), features=features, first=features[0])
    assert assert_same(model, (3, 4, 4)) == ["features.0", "features.2"]


def unused_after(m: Model, x: Tensor) -> Tensor:
    result = m.b(m.a(x))
    torch.sigmoid(m.c(result)).sum()
    return result


def unused_before(m: Model, x: Tensor) -> Tensor:
    torch._assert(x.shape[1] == 3, "three channels")
    m.unused = F.relu(m.d(x), inplace=True)
    return m.b(m.a(x))


@pytest.mark.parametrize("forward", [unused_after, unused_before])
def test_what_the_result_does_not_depend_on_is_left_out(forward):
    assert assert_same(Model(forward, **layers(), d=convolution(3, 3)), (3, 4, 4)) == ["a", "b"]


def copies(m: Model, x: Tensor) -> Tensor:
    y = F.relu(m.a(x).contiguous(memory_format=torch.channels_last))
    before = y.clone()
    y += m.b(y)
    return m.c(y.detach()) + torch.clone(before)


def test_copies_keep_what_was_copied():
    assert assert_same(Model(copies, **layers()), (3, 4, 4)) == ["a", "b", "c"]
