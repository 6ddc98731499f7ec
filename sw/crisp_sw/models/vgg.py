"""VGG-16, with or without BatchNorm, with torchvision's parameter names and shapes.

Follows Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition" (2015),
configuration D. Every operation is a module, so that ``torch.fx.symbolic_trace`` gives one straight graph.
"""

from torch import Tensor, nn

from crisp_sw.models.widths import scaled_width

# Output channels of the 3x3 convolutions of each stage; a stage ends with 2x2 max pooling.
STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
HIDDEN = 4096
DROPOUT = 0.5


class Vgg16(nn.Module):
    """Thirteen 3x3 convolutions, five poolings and three linear layers over a map of 7x7 pixels.

    Parameters
    ----------
    in_channels : of the image; 1 or 3 usually.
    num_classes : outputs.
    batch_norm : put BatchNorm after every convolution.
    width : factor on all channel counts.
    small_images : for 28x28 and 32x32 images: global average pooling takes the place of the fifth max
        pooling, and the two hidden linear layers have an eighth of the width.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        batch_norm: bool = False,
        width: float = 1.0,
        small_images: bool = False,
    ):
        super().__init__()
        stages = [[scaled_width(channels, width) for channels in stage] for stage in STAGES]
        features = _features(in_channels, stages, batch_norm)
        side = 1 if small_images else 7
        self.features = nn.Sequential(*(features[:-1] if small_images else features))
        self.avgpool = nn.AdaptiveAvgPool2d(side)
        self.flatten = nn.Flatten()
        hidden = scaled_width(HIDDEN // 8 if small_images else HIDDEN, width)
        self.classifier = nn.Sequential(
            nn.Linear(stages[-1][-1] * side**2, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(DROPOUT),
            nn.Linear(hidden, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(DROPOUT),
            nn.Linear(hidden, num_classes),
        )
        _initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised images float32[N, in_channels, H, W] to logits float32[N, num_classes]."""
        return self.classifier(self.flatten(self.avgpool(self.features(x))))


def _features(in_channels: int, stages: list[list[int]], batch_norm: bool) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for stage in stages:
        for channels in stage:
            layers.append(nn.Conv2d(in_channels, channels, 3, padding=1))
            if batch_norm:
                layers.append(nn.BatchNorm2d(channels))
            layers.append(nn.ReLU(inplace=True))
            in_channels = channels
        layers.append(nn.MaxPool2d(2))
    return layers


def _initialise(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            assert module.bias is not None
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 0.01)
            nn.init.zeros_(module.bias)


def vgg16(in_channels: int, num_classes: int, **options) -> Vgg16:
    """VGG-16: 138.4 million parameters with 3 channels and 1000 classes."""
    return Vgg16(in_channels, num_classes, **options)


def vgg16_bn(in_channels: int, num_classes: int, **options) -> Vgg16:
    """VGG-16 with BatchNorm: 138.4 million parameters with 3 channels and 1000 classes."""
    return Vgg16(in_channels, num_classes, batch_norm=True, **options)
