"""The networks that come with the package, by name."""

from collections.abc import Callable
from functools import partial

from torch import nn

from crisp_sw.errors import ModelError
from crisp_sw.models.mobilenet_v2 import MobileNetV2
from crisp_sw.models.resnet import resnet18, resnet34, resnet50
from crisp_sw.models.small_mobilenet_v2 import SmallMobileNetV2
from crisp_sw.models.small_resnet import SmallResNet
from crisp_sw.models.torchvision_models import build_torchvision_model, is_torchvision_name
from crisp_sw.models.vgg import vgg16, vgg16_bn

MOST_CHANNELS, MOST_CLASSES = 4096, 100_000

# Networks for images of 224x224 pixels, which take a width and have a variant for 28x28 and 32x32.
_SCALABLE: dict[str, Callable[..., nn.Module]] = {
    "resnet18": resnet18,
    "resnet34": resnet34,
    "resnet50": resnet50,
    "vgg16": vgg16,
    "vgg16-bn": vgg16_bn,
    "mobilenet-v2": MobileNetV2,
}
_SCALABLE |= {f"{name}-32px": partial(build, small_images=True) for name, build in _SCALABLE.items()}

# The universal networks of the accuracy experiment, small enough to be trained on two cores.
_UNIVERSAL: dict[str, Callable[..., nn.Module]] = {
    "resnet18-half-32px": partial(resnet18, width=0.5, small_images=True, stem_stride=2),
    "mobilenet-v2-half-32px": partial(MobileNetV2, width=0.5, small_images=True, stem_stride=2),
}

MODELS: dict[str, Callable[..., nn.Module]] = {
    "small-resnet": SmallResNet,
    "small-mobilenet-v2": SmallMobileNetV2,
    **_UNIVERSAL,
    **_SCALABLE,
}


def build_model(name: str, *, in_channels: int, num_classes: int, width: float = 1.0) -> nn.Module:
    """Return the named network with fresh weights, drawn from torch's global random generator.

    Parameters
    ----------
    name : a key of `MODELS`; underscores and capitals are accepted too. Or "torchvision:" and a name of
        torchvision's, where that is installed.
    in_channels : channels of the image, 1 to 4,096.
    num_classes : outputs, 2 to 100,000.
    width : factor on all channel counts, which the small and the half-width networks do not take.

    Raises
    ------
    ModelError : the name is unknown or a size is out of range.
    """
    key = name.lower().replace("_", "-")
    if key not in MODELS and not is_torchvision_name(name):
        raise ModelError(f"no model {name!r}; expected one of {', '.join(MODELS)}")
    if not 1 <= in_channels <= MOST_CHANNELS:
        raise ModelError(f"`in_channels` must be from 1 to {MOST_CHANNELS}, not {in_channels}")
    if not 2 <= num_classes <= MOST_CLASSES:
        raise ModelError(f"`num_classes` must be from 2 to {MOST_CLASSES}, not {num_classes}")
    if not 0 < width <= 16:
        raise ModelError(f"`width` must be above 0 and at most 16, not {width}")
    if is_torchvision_name(name):
        if width != 1:
            raise ModelError(f"{name!r} takes no `width`; expected 1, not {width}")
        return build_torchvision_model(name, in_channels=in_channels, num_classes=num_classes)
    if key in _SCALABLE:
        return MODELS[key](in_channels, num_classes, width=width)
    if width != 1:
        raise ModelError(f"{name!r} takes no `width`; expected 1, not {width}")
    return MODELS[key](in_channels, num_classes)
