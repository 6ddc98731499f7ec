"""Small models for the tests of lowering, and the comparison with what they become."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from crisp_sw.quantize import lower


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
