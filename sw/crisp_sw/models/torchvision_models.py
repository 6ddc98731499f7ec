"""torchvision's own classifiers, where torchvision is installed: ``torchvision:regnet_y_400mf``."""

import importlib
from typing import Any

from torch import nn

from crisp_sw.errors import ModelError

PREFIX = "torchvision:"
IN_CHANNELS = 3


def is_torchvision_name(name: str) -> bool:
    """Whether a name asks for a model of torchvision."""
    return name.startswith(PREFIX)


def build_torchvision_model(name: str, *, in_channels: int, num_classes: int) -> nn.Module:
    """Return torchvision's model with fresh weights.

    Parameters
    ----------
    name : "torchvision:" and a name that ``torchvision.models.get_model`` knows.

    Raises
    ------
    ModelError : torchvision is not installed or has no such classifier, or the images are not of 3 channels.
    """
    key = name.removeprefix(PREFIX)
    library = _library(name)
    known = library.list_models(module=library)
    if key not in known:
        raise ModelError(f"torchvision has no classifier {key!r}; expected one of {', '.join(known)}")
    if in_channels != IN_CHANNELS:
        raise ModelError(f"{name!r} takes images of {IN_CHANNELS} channels, not of {in_channels}")
    return library.get_model(key, weights=None, num_classes=num_classes)


def _library(name: str) -> Any:
    try:
        return importlib.import_module("torchvision.models")
    except (ImportError, RuntimeError) as error:  # the latter if it was built for another torch
        reason = "is not installed" if isinstance(error, ImportError) else f"does not work ({error})"
        raise ModelError(
            f"{name!r} needs the package torchvision, which {reason}; "
            "expected it, or a built-in model such as 'resnet50'"
        ) from error
