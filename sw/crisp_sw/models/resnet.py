"""ResNet-18, -34 and -50 with torchvision's parameter names and shapes, so that its state dicts fit.

Follows He et al., "Deep Residual Learning for Image Recognition" (2016), table 1; like torchvision's, the
stride of a bottleneck is in its 3x3 convolution ("ResNet v1.5"). Every operation is a module, or an addition
of two tensors, so that ``torch.fx.symbolic_trace`` gives one straight graph.
"""

from torch import Tensor, nn

from crisp_sw.models.widths import scaled_width

STAGE_WIDTHS = (64, 128, 256, 512)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut, a 1x1 convolution where the shape changes."""

    expansion = 1

    def __init__(self, in_channels: int, width: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(in_channels, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, in_channels, H, W] to [N, width, H / stride, W / stride]."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolution, the last four times as wide, with a shortcut like the basic block's."""

    expansion = 4

    def __init__(self, in_channels: int, width: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width * self.expansion, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(in_channels, width * self.expansion, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, in_channels, H, W] to [N, 4 * width, H / stride, W / stride]."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


def _shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and in_channels == out_channels:
        return None
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
    )


class ResNet(nn.Module):
    """A 7x7 stem with max pooling, four stages of blocks of which three halve the image, and a linear layer.

    Parameters
    ----------
    in_channels : of the image; 1 or 3 usually.
    num_classes : outputs.
    block : `BasicBlock` or `Bottleneck`.
    depths : blocks in each of the four stages.
    width : factor on all channel counts.
    small_images : for 28x28 and 32x32 images: the stem is a 3x3 convolution without pooling.
    stem_stride : of that 3x3 convolution; 2 makes the network four times cheaper.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        block: type[BasicBlock] | type[Bottleneck],
        depths: tuple[int, int, int, int],
        width: float = 1.0,
        small_images: bool = False,
        stem_stride: int = 1,
    ):
        super().__init__()
        widths = [scaled_width(channels, width) for channels in STAGE_WIDTHS]
        kernel, stride = (3, stem_stride) if small_images else (7, 2)
        self.conv1 = nn.Conv2d(in_channels, widths[0], kernel, stride, padding=kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if small_images else nn.MaxPool2d(3, stride=2, padding=1)
        channels = [widths[0], *(stage * block.expansion for stage in widths)]
        self.layer1 = _stage(block, channels[0], widths[0], depths[0], stride=1)
        self.layer2 = _stage(block, channels[1], widths[1], depths[1], stride=2)
        self.layer3 = _stage(block, channels[2], widths[2], depths[2], stride=2)
        self.layer4 = _stage(block, channels[3], widths[3], depths[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(channels[4], num_classes)
        _initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised images float32[N, in_channels, H, W] to logits float32[N, num_classes]."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.flatten(self.avgpool(x)))


def _stage(
    block: type[BasicBlock] | type[Bottleneck], in_channels: int, width: int, depth: int, *, stride: int
) -> nn.Sequential:
    rest = (block(width * block.expansion, width, 1) for _ in range(depth - 1))
    return nn.Sequential(block(in_channels, width, stride), *rest)


def _initialise(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def resnet18(in_channels: int, num_classes: int, **options) -> ResNet:
    """ResNet-18: 11.7 million parameters with 3 channels and 1000 classes."""
    return ResNet(in_channels, num_classes, block=BasicBlock, depths=(2, 2, 2, 2), **options)


def resnet34(in_channels: int, num_classes: int, **options) -> ResNet:
    """ResNet-34: 21.8 million parameters with 3 channels and 1000 classes."""
    return ResNet(in_channels, num_classes, block=BasicBlock, depths=(3, 4, 6, 3), **options)


def resnet50(in_channels: int, num_classes: int, **options) -> ResNet:
    """ResNet-50: 25.6 million parameters with 3 channels and 1000 classes."""
    return ResNet(in_channels, num_classes, block=Bottleneck, depths=(3, 4, 6, 3), **options)
