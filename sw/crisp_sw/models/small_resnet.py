"""Small residual network for 28x28 and 32x32 images: three basic blocks of widths 32, 64 and 128.

Follows the CIFAR networks of He et al., "Deep Residual Learning for Image Recognition" (2016), section 4.2,
with one block per stage and projection shortcuts. At 28x28 it costs 37 million multiply-accumulates and has
0.31 million parameters. Every operation is a module, or an addition of two tensors, so that
``torch.fx.symbolic_trace`` gives one straight graph.
"""

from torch import Tensor, nn

WIDTHS = (32, 64, 128)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut; the shortcut is a 1x1 convolution where the shape changes."""

    def __init__(self, in_channels: int, out_channels: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut = _shortcut(in_channels, out_channels, stride)
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, in_channels, H, W] to [N, out_channels, H / stride, W / stride]."""
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu2(y + self.shortcut(x))


def _shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
    )


class SmallResNet(nn.Module):
    """ResNet-8: a stem, three basic blocks of which the last two halve the image, pooling, a linear layer.

    Parameters
    ----------
    in_channels : of the image; 1 or 3 usually.
    num_classes : outputs.
    """

    def __init__(self, in_channels: int, num_classes: int):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, WIDTHS[0], 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(WIDTHS[0])
        self.relu = nn.ReLU()
        self.stage1 = BasicBlock(WIDTHS[0], WIDTHS[0], stride=1)
        self.stage2 = BasicBlock(WIDTHS[0], WIDTHS[1], stride=2)
        self.stage3 = BasicBlock(WIDTHS[1], WIDTHS[2], stride=2)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.linear = nn.Linear(WIDTHS[2], num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised images float32[N, in_channels, H, W] to logits float32[N, num_classes]."""
        x = self.relu(self.bn(self.conv(x)))
        x = self.stage3(self.stage2(self.stage1(x)))
        return self.linear(self.flatten(self.pool(x)))
