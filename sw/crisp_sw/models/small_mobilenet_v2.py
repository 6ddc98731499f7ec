"""Small MobileNetV2 for 28x28 and 32x32 images: inverted residuals with depthwise convolutions and ReLU6.

Follows Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks" (2018), table 2, with the
first two reductions left out because the images are small already. Every operation is a module, or an
addition of two tensors, so that ``torch.fx.symbolic_trace`` gives one straight graph.
"""

from torch import Tensor, nn

STEM_WIDTH = 16
HEAD_WIDTH = 128
EXPANSION = 4
# (output channels, stride) of each inverted residual.
BLOCKS = ((16, 1), (24, 2), (24, 1), (32, 2), (32, 1), (48, 1), (48, 1))


class InvertedResidual(nn.Module):
    """1x1 expansion, 3x3 depthwise, linear 1x1 projection; added to its input where the shapes agree."""

    def __init__(self, in_channels: int, out_channels: int, stride: int):
        super().__init__()
        hidden = in_channels * EXPANSION
        self.expand = _conv_bn_relu6(in_channels, hidden, kernel=1)
        self.depthwise = _conv_bn_relu6(hidden, hidden, kernel=3, stride=stride, groups=hidden)
        self.project = nn.Conv2d(hidden, out_channels, 1, bias=False)
        self.project_bn = nn.BatchNorm2d(out_channels)
        self.has_shortcut = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, in_channels, H, W] to [N, out_channels, H / stride, W / stride]."""
        y = self.project_bn(self.project(self.depthwise(self.expand(x))))
        return x + y if self.has_shortcut else y


def _conv_bn_relu6(
    in_channels: int, out_channels: int, *, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU6(),
    )


class SmallMobileNetV2(nn.Module):
    """A 3x3 stem, seven inverted residuals of which two halve the image, a 1x1 head, pooling, a linear layer.

    Parameters
    ----------
    in_channels : of the image; 1 or 3 usually.
    num_classes : outputs.
    """

    def __init__(self, in_channels: int, num_classes: int):
        super().__init__()
        self.stem = _conv_bn_relu6(in_channels, STEM_WIDTH, kernel=3)
        widths = [STEM_WIDTH, *(width for width, _ in BLOCKS)]
        self.blocks = nn.Sequential(
            *(InvertedResidual(widths[i], width, stride) for i, (width, stride) in enumerate(BLOCKS))
        )
        self.head = _conv_bn_relu6(widths[-1], HEAD_WIDTH, kernel=1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.linear = nn.Linear(HEAD_WIDTH, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised images float32[N, in_channels, H, W] to logits float32[N, num_classes]."""
        x = self.head(self.blocks(self.stem(x)))
        return self.linear(self.flatten(self.pool(x)))
