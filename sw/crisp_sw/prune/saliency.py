"""Class-aware saliency: how much the loss on the user's samples depends on each weight.

CRISP (DATE 2024, section III) scores a weight by ``|w * dL/dw|``, the first-order Taylor estimate of what its
removal changes in the loss L (Molchanov et al. 2017, "Pruning convolutional neural networks for resource
efficient inference"), with L summed over the user's classes only.

Batches accumulate in one of two ways. "absolute" adds up ``|w * dL_b/dw|`` over batches b; "signed" takes the
magnitude of the sum. Signed is the exact first-order term of the whole loss, but at the optimum of a trained
model the gradients of batches cancel, so that what remains is mostly noise. Absolute sums keep the size of
the dependence, and are the default; the CRISP authors' code averages absolute gradients too.
"""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from crisp_sw.prune.errors import SaliencyError
from crisp_sw.prune.inference import device_of
from crisp_sw.prune.samples import ClassSamples


def accumulate_saliency(
    model: nn.Module,
    weights: Mapping[str, nn.Parameter],
    samples: ClassSamples,
    *,
    batch_size: int,
    accumulation: Literal["absolute", "signed"] = "absolute",
) -> dict[str, Tensor]:
    """Return the saliency of ``weights`` on ``samples``, per name, on the CPU, in the weight's shape.

    The loss is the cross-entropy, the mean over samples. The model runs in inference mode, so BatchNorm's
    statistics do not change and no batch influences another. A weight that the output does not depend on
    has saliency 0.

    Raises
    ------
    SaliencyError : a gradient is NaN or infinite; the message names layer and batch.
    """
    was_training = model.training
    model.eval()
    totals = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    for number, index in enumerate(samples.batches(batch_size)):
        for name, gradient in _gradients(model, weights, samples, index).items():
            if not bool(gradient.isfinite().all()):
                raise SaliencyError(
                    f"the gradient of {name!r} is NaN or infinite in batch {number}; "
                    "expected finite numbers: check the model's weights and the samples"
                )
            totals[name] += gradient.abs() if accumulation == "absolute" else gradient
    model.train(was_training)
    return {name: (total * weights[name].detach()).abs().cpu() for name, total in totals.items()}


def _gradients(
    model: nn.Module, weights: Mapping[str, nn.Parameter], samples: ClassSamples, index: Tensor
) -> dict[str, Tensor]:
    device = device_of(model)
    logits = model(samples.normalised(index).to(device))
    loss = functional.cross_entropy(logits, samples.labels[index].to(device), reduction="sum") / len(samples)
    gradients = torch.autograd.grad(loss, list(weights.values()), materialize_grads=True, allow_unused=True)
    return dict(zip(weights, gradients, strict=True))
