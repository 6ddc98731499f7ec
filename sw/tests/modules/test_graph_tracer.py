"""What is traced is the call of a model with one batch of images."""

import pytest
import torch
from torch import Tensor, nn

from crisp_sw.modules.graph_tracer import GraphTracer


class Optional(nn.Module):
    def forward(self, x: Tensor, mask: Tensor | None = None, *rest, scale: int = 1, **options) -> Tensor:
        assert not rest
        assert not options
        return torch.relu(x) if mask is None and scale == 1 else x


class AnyNumber(nn.Module):
    def forward(self, *tensors: Tensor) -> Tensor:
        (x,) = tensors
        return torch.relu(x)


class Two(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y


@pytest.mark.parametrize(
    ("model", "nodes"),
    [
        (Optional(), ["x", "relu", "output"]),
        (AnyNumber(), ["images", "relu", "output"]),
        (Two(), ["x", "y", "add", "output"]),
    ],
)
def test_only_arguments_without_a_default_are_given(model, nodes):
    assert [node.name for node in GraphTracer().trace(model).nodes] == nodes


def test_wrappers_and_slices_are_followed():
    model = nn.Sequential(nn.DataParallel(nn.Sequential(nn.ReLU(), nn.ReLU6(), nn.Sigmoid())))

    class Sliced(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = model

        def forward(self, x: Tensor) -> Tensor:
            return self.inner[0].module[1:](x)  # pyright: ignore

    targets = [str(node.target) for node in GraphTracer().trace(model).nodes]
    assert targets == ["input", "0.module.0", "0.module.1", "0.module.2", "output"]
    targets = [str(node.target) for node in GraphTracer().trace(Sliced()).nodes]
    assert targets == ["x", "inner.0.module.1", "inner.0.module.2", "output"]
