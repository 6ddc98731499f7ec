"""A lowered network that is not the model is refused, at its first layer; rounding never is."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize

from crisp_sw.models import build_model
from crisp_sw.quantize import UnsupportedModelError, lower, quantize_model
from crisp_sw.quantize.lowering.equivalence import images_to_check, require_equivalent
from crisp_sw.quantize.lowering.float_network import FloatConv


class Chain(nn.Module):
    """Three convolutions and a classifier; what is between the second and the third can be replaced."""

    def __init__(self, between: Callable[[Tensor], Tensor] = F.relu):
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3)
        self.c, self.d = nn.Conv2d(8, 8, 3), nn.Linear(8, 4)
        self.between = between

    def forward(self, x: Tensor) -> Tensor:
        x = self.between(self.b(F.relu(self.a(x))))
        return self.d(F.relu(self.c(x)).mean((2, 3)))


def images(count: int = 5) -> Tensor:
    return torch.randn(count, 3, 9, 9, generator=torch.Generator().manual_seed(1))


def check(model: nn.Module) -> None:
    model = model.double().eval()
    require_equivalent(lower(model, (3, 9, 9)), model, images_to_check(images()))


class Normalising(Chain):
    def __call__(self, x: Tensor) -> Tensor:
        return super().__call__(2 * x + 1)


class Mixing(Chain):
    def __call__(self, x: Tensor) -> Tensor:
        return super().__call__(x.roll(1, 0))


class Scaled(Chain):
    def __call__(self, x: Tensor) -> Tensor:
        return super().__call__(x) * (1 + 1e-5)


class Branching(Chain):
    """Takes another way where it is traced."""

    def forward(self, x: Tensor) -> Tensor:
        if isinstance(x, Tensor):
            return self.d(F.relu(self.c(F.relu(self.a(x)))).mean((2, 3)))
        return super().forward(x)


class Twice(Chain):
    def __call__(self, x: Tensor) -> Tensor:
        self.b(self.a(x))
        return super().__call__(x)


class Pair(Chain):
    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return super().__call__(x), x


class Cropping(Chain):
    def __call__(self, x: Tensor) -> Tensor:
        return super().__call__(x[:, :, 1:])


class Failing(Chain):
    def __call__(self, x: Tensor) -> Tensor:
        raise OSError("no such camera")


def other_limit() -> nn.Module:
    clamp = nn.ReLU6()
    clamp.max_val = 0.01
    return clamp


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            Normalising(),
            "not the model from the image on: what layer 'a' of the model reads differs by ",
        ),
        (Mixing(), "from the image on: what layer 'a' of the model reads differs"),
        (Scaled(), "from layer 'd' on: what the model returns differs by up to .* expected rounding alone"),
        (Branching(), "the model runs layer 'b' 0 times; expected once"),
        (Twice(), "the model runs layer 'a' 2 times; expected once"),
        (Pair(), "must return one tensor, not a tuple"),
        (Cropping(), r"what layer 'a' of the model reads has shape \[5, 3, 8, 9\], not \[5, 3, 9, 9\]"),
        (Failing(), r"the model fails on 5 images of shape \[3, 9, 9\]: no such camera"),
        (Chain(other_limit()), "from layer 'b' on: what layer 'c' of the model reads differs"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_what_tracing_does_not_see_is_found_at_its_layer(model, message):
    with pytest.raises(UnsupportedModelError, match=message):
        check(model)


class Dropping(Chain):
    """Leaves layers out in every third of its passes, traced or not."""

    def __init__(self, passes: int):
        super().__init__()
        self.passes = passes

    def forward(self, x: Tensor) -> Tensor:
        self.passes += 1
        return super().forward(x) if self.passes % 3 else self.d(F.relu(self.a(x)).mean((2, 3)))


@pytest.mark.parametrize(
    ("passes", "message"),
    [
        (2, "the model runs other layers each time that it is traced"),
        (1, "the model runs other layers each time that it is traced"),
        (0, "the model runs layer 'b' 0 times"),
    ],
)
def test_layers_that_come_and_go_are_found(passes, message):
    with pytest.raises(UnsupportedModelError, match=message):
        quantize_model(Dropping(passes), images())


class PerType(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return 1.1 * weight if weight.dtype == torch.float32 else weight


class Levels(nn.Module):
    """Rounds to seven levels, which a weight near their middle reaches on one side or the other."""

    def forward(self, weight: Tensor) -> Tensor:
        scale = weight.abs().max() / 3
        return (weight / scale).round() * scale


def test_weights_of_another_forward_pass_are_found_and_rounded_ones_are_not():
    model = Chain()
    parametrize.register_parametrization(model.b, "weight", Levels())
    quantize_model(model, images())
    parametrize.register_parametrization(model.c, "weight", PerType())
    with pytest.raises(UnsupportedModelError, match="computes other weights of layer 'c' each time"):
        quantize_model(model, images())


def test_hooks_on_all_modules_are_found():
    def triple(module: nn.Module, _: object, result: Tensor) -> Tensor | None:
        return 3 * result if isinstance(module, nn.Conv2d) and isinstance(result, Tensor) else None

    handle = nn.modules.module.register_module_forward_hook(triple)  # pyright: ignore[reportArgumentType]
    try:
        with pytest.raises(UnsupportedModelError, match="from layer 'a' on: what layer 'b'"):
            quantize_model(Chain(), images())
    finally:
        handle.remove()


@pytest.mark.parametrize("layer", [0, 1, 2, 4])
def test_a_relative_difference_of_a_hundred_thousandth_is_none_of_rounding(layer):
    model = Chain().double().eval()
    network = lower(model, (3, 9, 9))
    names = ["a", "b", "c", "mean", "d"]
    changed = network.layers[layer]
    assert [one.name for one in network.layers] == names
    assert isinstance(changed, FloatConv)
    changed.weight *= 1 + 1e-9
    require_equivalent(network, model, images().double())
    changed.weight *= 1 + 1e-4
    with pytest.raises(UnsupportedModelError, match=f"from layer '{names[layer]}' on"):
        require_equivalent(network, model, images().double())


EXTREMES: dict[str, Callable[[nn.BatchNorm2d, Tensor, Tensor], None]] = {
    "as trained": lambda norm, mean, var: None,
    "tiny variance": lambda norm, mean, var: norm.running_var.fill_(1e-12),  # pyright: ignore
    "mean far above deviation": lambda norm, mean, var: (
        mean.normal_().mul_(1e6),
        norm.bias.data.copy_(mean * norm.weight / torch.sqrt(var + norm.eps)),
    ),
    "statistics that cancel": lambda norm, mean, var: (
        mean.fill_(0.123456),
        norm.bias.data.copy_(mean * norm.weight / torch.sqrt(var + norm.eps)),
    ),
    "no gain": lambda norm, mean, var: norm.weight.data.zero_(),
}


@pytest.mark.parametrize("extreme", EXTREMES)
@pytest.mark.parametrize(
    ("name", "size"), [("small-resnet", 16), ("mobilenet-v2", 32), ("resnet50", 32), ("vgg16-bn", 224)]
)
def test_rounding_of_any_batch_norm_passes(name, size, extreme):
    torch.manual_seed(0)
    model = build_model(name, in_channels=3, num_classes=5, width=1 / 16 if size > 16 else 1)
    batch = torch.randn(2, 3, size, size)
    with torch.no_grad():
        model.train()(batch)
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                assert module.running_mean is not None
                assert module.running_var is not None
                EXTREMES[extreme](module, module.running_mean, module.running_var)
    model.double().eval()
    require_equivalent(lower(model, (3, size, size)), model, images_to_check(batch))


def test_layers_that_add_up_to_nothing_pass():
    """All weights are pruned, and the running mean is the bias: 0 in the model, rounding when folded."""
    model = nn.Sequential(
        nn.Conv2d(3, 1, 1), nn.Conv2d(1, 4, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 1)
    )
    model.double().eval()
    convolution, norm = model[1], model[2]
    assert isinstance(convolution, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    assert convolution.bias is not None
    assert norm.running_mean is not None
    with torch.no_grad():
        convolution.weight.zero_()
        norm.running_mean.copy_(convolution.bias)
        norm.weight.fill_(0.1)
        norm.bias.zero_()
    require_equivalent(lower(model, (3, 9, 9)), model, images().double())


def test_values_beyond_float64_are_said_to_be():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)).double()
    nn.init.constant_(model.get_parameter("0.weight"), 1e308)
    with pytest.raises(UnsupportedModelError, match="what layer '1' of the model reads must be finite"):
        check(model)


@pytest.mark.parametrize(
    ("shape", "count"),
    [((40, 1, 28, 28), 10), ((9, 3, 224, 224), 2), ((5, 3, 8, 8), 5), ((1, 3, 64, 64), 1)],
)
def test_a_few_images_are_checked(shape, count):
    chosen = images_to_check(torch.arange(shape[0]).reshape(-1, 1, 1, 1).expand(shape).float())
    assert chosen.shape == (count, *shape[1:])
    assert chosen.dtype == torch.float64
    assert chosen[-1, 0, 0, 0] == shape[0] - 1
