"""The networks that come with the package, by name."""

from collections.abc import Callable

from torch import nn

from crisp_sw.errors import ModelError
from crisp_sw.models.small_mobilenet_v2 import SmallMobileNetV2
from crisp_sw.models.small_resnet import SmallResNet

MODELS: dict[str, Callable[[int, int], nn.Module]] = {
    "small-resnet": SmallResNet,
    "small-mobilenet-v2": SmallMobileNetV2,
}


def build_model(name: str, *, in_channels: int, num_classes: int) -> nn.Module:
    """Return the named network with fresh weights, drawn from torch's global random generator.

    Parameters
    ----------
    name : a key of `MODELS`; underscores and capitals are accepted too.
    in_channels : channels of the image, at least 1.
    num_classes : outputs, at least 2.

    Raises
    ------
    ModelError : the name is unknown or a size is out of range.
    """
    key = name.lower().replace("_", "-")
    if key not in MODELS:
        raise ModelError(f"no model {name!r}; expected one of {', '.join(MODELS)}")
    if in_channels < 1:
        raise ModelError(f"`in_channels` must be at least 1, not {in_channels}")
    if num_classes < 2:
        raise ModelError(f"`num_classes` must be at least 2, not {num_classes}")
    return MODELS[key](in_channels, num_classes)
