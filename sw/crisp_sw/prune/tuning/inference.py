"""What a model answers for the user's samples."""

from typing import Any

import torch
from torch import Tensor, nn

from crisp_sw.modules.mixed_precision import autocast
from crisp_sw.modules.modes import evaluating, start_training
from crisp_sw.prune.errors import PruneError, SamplesError
from crisp_sw.prune.tuning.master_weights import master_copy
from crisp_sw.prune.tuning.random_streams import seeded
from crisp_sw.prune.tuning.samples import ClassSamples


def device_of(model: nn.Module) -> torch.device:
    """Return where the model's first parameter lives."""
    return next(model.parameters(), torch.empty(0)).device


def as_input(images: Tensor, model: nn.Module) -> Tensor:
    """Return ``images`` on the device and in the type of the model's first parameter of real numbers."""
    real = (parameter for parameter in model.parameters() if parameter.is_floating_point())
    first = next(real, torch.empty(0))
    return images.to(first.device, first.dtype)


def main_logits(output: Any) -> Tensor:
    """Return the logits in a model's ``output``: a tensor, or what has one as ``logits``.

    torchvision's GoogLeNet and Inception give such a named tuple in training; what their auxiliary heads
    answer is dropped.

    Raises
    ------
    SamplesError : it is neither.
    """
    logits = output if isinstance(output, Tensor) else getattr(output, "logits", None)
    if not isinstance(logits, Tensor):
        raise SamplesError(
            f"the model's output is a {type(output).__name__}; expected a tensor of logits, or a named tuple "
            "with `logits`"
        )
    return logits


@torch.no_grad()
def collect_logits(
    model: nn.Module, samples: ClassSamples, *, batch_size: int, precision: str = "float32"
) -> Tensor:
    """Return the logits of all samples in inference mode, float32[N, classes] on the CPU.

    All modules' modes are left as they were.

    Raises
    ------
    SamplesError : the model's output is not [N, classes], or has no output for some label.
    """
    with evaluating(model), autocast(device_of(model), precision):
        batches = (as_input(samples.normalised(index), model) for index in samples.batches(batch_size))
        parts = [main_logits(model(images)).float().cpu() for images in batches]
    logits = torch.cat(parts)
    _check_labels(logits, samples)
    return logits


@torch.no_grad()
def require_outputs(model: nn.Module, samples: ClassSamples) -> int:
    """Return the number of logits that the model gives each sample in inference mode.

    All modules' modes are left as they were.

    Raises
    ------
    SamplesError : the model fails on such images, gives no row of logits, or has no output for some label.
    """
    with evaluating(model):
        logits = _answers(model, samples.normalised(torch.arange(1)))
    _check_labels(logits, samples)
    return logits.shape[1]


def require_training_outputs(
    model: nn.Module, samples: ClassSamples, *, batch: int, outputs: int, learns: bool = False
) -> None:
    """Raise SamplesError unless a batch of images gets ``outputs`` logits each in training mode too.

    A copy of the model is asked, as training changes BatchNorm's statistics.

    Raises
    ------
    PruneError : ``learns``, but the outputs depend on no parameter that requires a gradient.
    """
    copy = master_copy(model)
    start_training(copy)
    images = samples.normalised(torch.arange(batch) % len(samples))
    with seeded(device_of(copy), 0):
        logits = _answers(copy, images, backward=learns)
    if logits.shape != (batch, outputs):
        raise SamplesError(
            f"the model's output in training is {list(logits.shape[1:])}; expected {[outputs]}, as otherwise"
        )
    if learns and not logits.requires_grad:
        raise PruneError(
            "the model's output depends on no parameter that requires a gradient; expected at least one to "
            "fine-tune, or `epochs_per_iteration` 0 and `final_epochs` 0"
        )


def _answers(model: nn.Module, images: Tensor, *, backward: bool = False) -> Tensor:
    try:
        output = model(as_input(images, model))
        if backward and main_logits(output).requires_grad:
            main_logits(output).sum().backward()
    except SamplesError:
        raise
    except Exception as error:
        mode = "training" if model.training else "inference"
        raise SamplesError(
            f"the model fails in {mode} on {len(images)} image(s) of shape {list(images.shape[1:])}: "
            f"{type(error).__name__}: {error}; expected one for images of that shape"
        ) from error
    return main_logits(output)


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
