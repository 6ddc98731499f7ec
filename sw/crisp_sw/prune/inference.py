"""What a model answers for the user's samples."""

import torch
from torch import Tensor, nn

from crisp_sw.prune.errors import SamplesError
from crisp_sw.prune.samples import ClassSamples


def device_of(model: nn.Module) -> torch.device:
    """Return where the model's first parameter lives."""
    return next(model.parameters()).device


@torch.no_grad()
def collect_logits(model: nn.Module, samples: ClassSamples, *, batch_size: int) -> Tensor:
    """Return the logits of all samples in inference mode, float[N, classes] on the CPU.

    The model's training mode is left as it was.

    Raises
    ------
    SamplesError : the model's output is not [N, classes], or has no output for some label.
    """
    was_training = model.training
    model.eval()
    device = device_of(model)
    parts = [model(samples.normalised(index).to(device)).cpu() for index in samples.batches(batch_size)]
    model.train(was_training)
    logits = torch.cat(parts)
    highest = int(samples.labels.max())
    if logits.dim() != 2 or logits.shape[1] <= highest:
        raise SamplesError(
            f"label {highest} does not fit the model's output {list(logits.shape[1:])}; "
            f"expected one row of at least {highest + 1} logits for each image"
        )
    return logits


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Return the share of rows of ``logits`` [N, classes] whose largest entry is the label."""
    return float((logits.argmax(1) == labels).double().mean())
