"""A small network with every kind of layer, and samples that it can learn in a second."""

import pytest
import torch
from torch import Tensor, nn

from crisp_sw.prune import ClassSamples


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Layers this small gain nothing from threads, and lose much when tests share the cores."""
    torch.set_num_threads(1)


class MixedNet(nn.Module):
    """Stem, 3x3, depthwise, grouped and 1x1 convolutions, BatchNorm, dropout and a linear classifier."""

    def __init__(self, classes: int = 4):
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(16)
        self.conv = nn.Conv2d(16, 20, 3, padding=1, bias=False)
        self.depthwise = nn.Conv2d(20, 20, 3, padding=1, groups=20, bias=False)
        self.pointwise = nn.Conv2d(20, 32, 1, bias=False)
        self.grouped = nn.Conv2d(32, 32, 3, padding=1, groups=2, bias=False)
        self.bn2 = nn.BatchNorm2d(32)
        self.dropout = nn.Dropout(0.1)
        self.linear = nn.Linear(32, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn(self.stem(x)).relu()
        x = self.pointwise(self.depthwise(self.conv(x).relu())).relu()
        x = self.bn2(self.grouped(x)).relu()
        return self.linear(self.dropout(x.mean((2, 3))))


@pytest.fixture
def mixed_net() -> MixedNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return MixedNet()


def stripes(per_class: int, seed: int) -> ClassSamples:
    """Four classes of noisy 8x8 pictures: a bright row or column, near or far."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(4).repeat_interleave(per_class)
    images = torch.randint(0, 80, (4 * per_class, 1, 8, 8), generator=generator, dtype=torch.uint8)
    images[labels == 0, :, 1, :] += 150
    images[labels == 1, :, 6, 2:] += 150
    images[labels == 2, :, :, 1] += 150
    images[labels == 3, :, ::3, ::3] += 150
    return ClassSamples(images=images, labels=labels, mean=(0.25,), std=(0.25,))


@pytest.fixture
def samples() -> ClassSamples:
    return stripes(per_class=24, seed=0)


@pytest.fixture(scope="session")
def samples_of_stripes() -> ClassSamples:
    """Few samples, made once, for tests that try many models."""
    return stripes(per_class=4, seed=1)
