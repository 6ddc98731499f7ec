"""Whether a network takes images of a size: deep ones halve small images until nothing is left."""

from collections.abc import Sequence

import torch
from torch import nn

from crisp_sw.errors import ModelError


def require_images(model: nn.Module, name: str, *, channels: int, size: Sequence[int]) -> None:
    """Raise ModelError unless ``model`` takes images of ``channels`` and (H, W).

    It is in evaluation mode then; no random number is drawn.
    """
    model.eval()
    try:
        with torch.inference_mode():
            model(torch.zeros(1, channels, *size))
    except RuntimeError as error:
        pixels, reason = " x ".join(map(str, size)), str(error).partition("\n")[0]
        raise ModelError(f"{name} cannot take images of {pixels} pixels ({reason})") from error
