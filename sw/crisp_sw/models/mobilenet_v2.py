"""MobileNetV2 with torchvision's parameter names and shapes, so that its state dicts fit.

Follows Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks" (2018), table 2. Every
operation is a module, or an addition of two tensors, so that ``torch.fx.symbolic_trace`` gives one straight
graph.
"""

from torch import Tensor, nn

from crisp_sw.models.widths import scaled_width

STEM_WIDTH = 32
HEAD_WIDTH = 1280
DROPOUT = 0.2
# (expansion, output channels, blocks, stride of the first block) of each stage.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class InvertedResidual(nn.Module):
    """1x1 expansion, 3x3 depthwise, linear 1x1 projection; added to its input where the shapes agree."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, expansion: int):
        super().__init__()
        hidden = in_channels * expansion
        expand = [] if expansion == 1 else [_conv_bn_relu6(in_channels, hidden, kernel=1)]
        self.conv = nn.Sequential(
            *expand,
            _conv_bn_relu6(hidden, hidden, kernel=3, stride=stride, groups=hidden),
            nn.Conv2d(hidden, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.has_shortcut = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, in_channels, H, W] to [N, out_channels, H / stride, W / stride]."""
        return x + self.conv(x) if self.has_shortcut else self.conv(x)


def _conv_bn_relu6(
    in_channels: int, out_channels: int, *, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU6(inplace=True),
    )


class MobileNetV2(nn.Module):
    """A 3x3 stem, seventeen inverted residuals, a 1x1 head, pooling, a linear layer; the image shrinks by 32.

    Parameters
    ----------
    in_channels : of the image; 1 or 3 usually.
    num_classes : outputs.
    width : factor on all channel counts; the head never gets narrower than 1280 channels.
    small_images : for 28x28 and 32x32 images: the first two reductions are left out.
    stem_stride : of the stem for small images; 2 makes the network four times cheaper.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        width: float = 1.0,
        small_images: bool = False,
        stem_stride: int = 1,
    ):
        super().__init__()
        channels = scaled_width(STEM_WIDTH, width)
        head = scaled_width(HEAD_WIDTH, max(1.0, width))
        features: list[nn.Module] = [
            _conv_bn_relu6(in_channels, channels, kernel=3, stride=stem_stride if small_images else 2)
        ]
        for number, (expansion, out_channels, blocks, stride) in enumerate(STAGES):
            out_channels = scaled_width(out_channels, width)
            for block in range(blocks):
                halves = block == 0 and not (small_images and number == 1)
                features.append(InvertedResidual(channels, out_channels, stride if halves else 1, expansion))
                channels = out_channels
        features.append(_conv_bn_relu6(channels, head, kernel=1))
        self.features = nn.Sequential(*features)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(head, num_classes))
        _initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised images float32[N, in_channels, H, W] to logits float32[N, num_classes]."""
        return self.classifier(self.flatten(self.avgpool(self.features(x))))


def _initialise(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 0.01)
            nn.init.zeros_(module.bias)
