"""Training and inference mode of a whole model."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put ``model`` into inference mode within, and every module of it back into its own mode after."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def held_in_inference(model: nn.Module) -> list[nn.Module]:
    """Return the modules that are in inference mode though ``model`` is in training mode.

    So PyTorch's users keep a BatchNorm's statistics. None where the whole model is in inference mode.
    """
    return [module for module in model.modules() if not module.training] if model.training else []


def start_training(model: nn.Module) -> None:
    """Put ``model`` into training mode, without the modules that it holds in inference mode."""
    held = held_in_inference(model)
    model.train()
    for module in held:
        module.training = False
