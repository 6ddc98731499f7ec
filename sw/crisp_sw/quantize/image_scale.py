"""Whether calibration images have the scale of those of training, of which BatchNorm keeps statistics."""

from contextlib import ExitStack, suppress
from typing import Any

import torch
from torch import Tensor, nn

from crisp_sw.quantize.ranges import CalibrationError

MOST_VARIANCE = 512.0
"""Largest variance of what the first BatchNorm reads, in units of that of training.

Images as in training have about 1, and so has noise. Bytes from 0 to 255 have 2,000 to 65,000: the square of
255 times the deviation of pixel values from 0 to 1, or of 255 where training had these.
"""


@torch.no_grad()
def require_scale_of_training(model: nn.Module, images: Tensor) -> None:
    """Raise CalibrationError where images are far larger than those of training, such as bytes as floats.

    Parameters
    ----------
    model : in evaluation mode; without a trained BatchNorm2d nothing is known of its training.
    images : float[N, C, H, W], on which it runs.
    """
    first: list[tuple[str, float]] = []

    def observer(name: str, norm: nn.BatchNorm2d) -> Any:
        def observe(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            first.append((name, _variance_ratio(norm, (args or [kwargs["input"]])[0])))
            raise _SeenError

        return observe

    with ExitStack() as stack, suppress(_SeenError):
        for name, module in model.named_modules():
            if isinstance(module, nn.BatchNorm2d) and _is_trained(module):
                hook = module.register_forward_pre_hook(observer(name, module), with_kwargs=True)
                stack.enter_context(hook)
        model(images.clone())
    for name, ratio in first:
        if ratio > MOST_VARIANCE:
            raise CalibrationError(
                f"on the calibration images, which reach {float(images.abs().max()):g}, the variance of what "
                f"BatchNorm {name!r} reads is {ratio:.0f} times that of training; expected images normalised "
                "as in training: bytes are divided by 255 first"
            )


class _SeenError(Exception):
    """Ends a forward pass of which the beginning is enough."""


def _is_trained(norm: nn.BatchNorm2d) -> bool:
    return norm.running_var is not None and bool(norm.num_batches_tracked)


def _variance_ratio(norm: nn.BatchNorm2d, x: Tensor) -> float:
    """Variance of each channel of float[N, C, H, W] over that of training; the median of the channels."""
    assert norm.running_var is not None
    return float((x.var(dim=(0, 2, 3)) / (norm.running_var + norm.eps)).median())
