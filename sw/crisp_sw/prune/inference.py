"""What a model answers for the user's samples."""

import torch
from torch import Tensor, nn

from crisp_sw.mixed_precision import autocast
from crisp_sw.prune.errors import SamplesError
from crisp_sw.prune.samples import ClassSamples


def device_of(model: nn.Module) -> torch.device:
    """Return where the model's first parameter lives."""
    return next(model.parameters(), torch.empty(0)).device


def as_input(images: Tensor, model: nn.Module) -> Tensor:
    """Return ``images`` on the device and in the type of the model's first parameter."""
    first = next(model.parameters(), torch.empty(0))
    return images.to(first.device, first.dtype)


@torch.no_grad()
def collect_logits(
    model: nn.Module, samples: ClassSamples, *, batch_size: int, precision: str = "float32"
) -> Tensor:
    """Return the logits of all samples in inference mode, float32[N, classes] on the CPU.

    The model's training mode is left as it was.

    Raises
    ------
    SamplesError : the model's output is not [N, classes], or has no output for some label.
    """
    was_training = model.training
    model.eval()
    with autocast(device_of(model), precision):
        batches = (as_input(samples.normalised(index), model) for index in samples.batches(batch_size))
        parts = [model(images).float().cpu() for images in batches]
    model.train(was_training)
    logits = torch.cat(parts)
    _check_labels(logits, samples)
    return logits


@torch.no_grad()
def require_outputs(model: nn.Module, samples: ClassSamples) -> int:
    """Return the number of logits that the model gives each sample.

    The model's training mode is left as it was.

    Raises
    ------
    SamplesError : the model gives no row of logits, or has no output for some label.
    """
    was_training = model.training
    model.eval()
    logits = model(as_input(samples.normalised(torch.arange(1)), model))
    model.train(was_training)
    _check_labels(logits, samples)
    return logits.shape[1]


def _check_labels(logits: Tensor, samples: ClassSamples) -> None:
    highest = int(samples.labels.max())
    if logits.dim() != 2 or logits.shape[1] <= highest:
        raise SamplesError(
            f"label {highest} does not fit the model's output {list(logits.shape[1:])}; "
            f"expected one row of at least {highest + 1} logits for each image"
        )


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Return the share of rows of ``logits`` [N, classes] whose largest entry is the label."""
    return float((logits.argmax(1) == labels).double().mean())
