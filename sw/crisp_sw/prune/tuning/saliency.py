"""Class-aware saliency: how much the loss on the user's samples depends on each weight.

CRISP (DATE 2024, section III) scores a weight by ``|w * dL/dw|``, the first-order Taylor estimate of what its
removal changes in the loss L (Molchanov et al. 2017, "Pruning convolutional neural networks for resource
efficient inference"), with L summed over the user's classes only.

Batches accumulate in one of two ways. "absolute" adds up ``|w * dL_b/dw|`` over batches b; "signed" takes the
magnitude of the sum. Signed is the exact first-order term of the whole loss, but at the optimum of a trained
model the gradients of batches cancel, so that what remains is mostly noise. Absolute sums keep the size of
the dependence, and are the default; the CRISP authors' code averages absolute gradients too.

Beside it stand the usual comparisons: the magnitude ``|w|``, and random numbers.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from crisp_sw.modules.mixed_precision import autocast
from crisp_sw.modules.modes import evaluating
from crisp_sw.prune.errors import SaliencyError
from crisp_sw.prune.masks.masking import loss_gradients_only
from crisp_sw.prune.settings.fine_tuning_settings import FineTuning
from crisp_sw.prune.settings.masked_pruning import LayerNorm, LayerScoring, Scoring
from crisp_sw.prune.tuning.inference import as_input, device_of, main_logits
from crisp_sw.prune.tuning.random_streams import Stream, stream_generator
from crisp_sw.prune.tuning.samples import ClassSamples


def measure_saliency(
    model: nn.Module,
    weights: Mapping[str, nn.Parameter],
    samples: ClassSamples,
    scoring: LayerScoring,
    training: FineTuning,
) -> dict[str, Tensor]:
    """Return the saliency that the settings ask for, per name, float32 on the CPU, in the weight's shape.

    Random numbers depend on the seed and the order of ``weights`` alone, so that a layer's choice does not
    move from step to step.

    Raises
    ------
    SaliencyError : a gradient or weight is NaN or infinite.
    """
    if scoring.saliency != "class-aware":
        return weight_saliency(weights, scoring, seed=training.seed)
    gradients = accumulate_gradients(model, weights, samples, scoring, training)
    saliency = {name: (total * weights[name].detach()).abs().cpu() for name, total in gradients.items()}
    require_finite_saliency(saliency)
    return {name: normalised(values, scoring.layer_norm) for name, values in saliency.items()}


def weight_saliency(
    weights: Mapping[str, nn.Parameter], scoring: LayerScoring, *, seed: int
) -> dict[str, Tensor]:
    """Return the saliency "magnitude" or "random", as :func:`measure_saliency` does without samples."""
    if scoring.saliency == "magnitude":
        saliency = {name: weight.detach().abs().float().cpu() for name, weight in weights.items()}
        require_finite_saliency(saliency)
    else:
        saliency = {
            name: torch.rand(weight.shape, generator=stream_generator(seed, Stream.SALIENCY, number))
            for number, (name, weight) in enumerate(weights.items())
        }
    return {name: normalised(values, scoring.layer_norm) for name, values in saliency.items()}


def normalised(saliency: Tensor, layer_norm: LayerNorm) -> Tensor:
    """Return a layer's saliency divided by its mean, or by its l2 norm (Molchanov et al. 2017).

    A layer without any saliency stays 0.
    """
    if layer_norm == "none":
        return saliency
    scale = saliency.double().mean() if layer_norm == "mean" else saliency.double().norm()
    return saliency / float(scale) if float(scale) > 0 else saliency


def require_finite_saliency(saliency: Mapping[str, Tensor]) -> None:
    """Raise SaliencyError, naming the first layer whose saliency is not a finite number everywhere."""
    for name, values in saliency.items():
        if not bool(values.isfinite().all()):
            raise SaliencyError(
                f"the saliency of {name!r} is NaN or infinite; "
                "expected finite numbers: check the model's weights"
            )


def accumulate_gradients(
    model: nn.Module,
    weights: Mapping[str, nn.Parameter],
    samples: ClassSamples,
    scoring: Scoring,
    training: FineTuning,
) -> dict[str, Tensor]:
    """Return the gradients by ``weights`` of the loss on ``samples``, float32, added up over batches.

    The settings say how they add up, on how many samples, in batches of which size and in which precision.
    The loss is the cross-entropy, the mean over samples, without SR-STE's decay. The model runs in inference
    mode, so BatchNorm's statistics do not change and no batch influences another. A weight that the output
    does not depend on has gradient 0; one that is frozen has its gradient, and is frozen afterwards.

    Raises
    ------
    SaliencyError : a gradient is NaN or infinite; the message names layer and batch. Or the output depends on
        none of the weights.
    """
    if scoring.saliency_samples is not None:
        samples = samples.spread(scoring.saliency_samples)
    absolute = scoring.accumulation == "absolute"
    totals = {name: torch.zeros_like(weight, dtype=torch.float32) for name, weight in weights.items()}
    with evaluating(model), _requiring_gradients(weights.values()):
        for number, index in enumerate(samples.batches(training.batch_size)):
            for name, gradient in _gradients(model, weights, samples, index, training.precision).items():
                if not bool(gradient.isfinite().all()):
                    raise SaliencyError(
                        f"the gradient of {name!r} is NaN or infinite in batch {number}; "
                        "expected finite numbers: check the model's weights and the samples"
                    )
                totals[name] += gradient.abs() if absolute else gradient
    return totals


@contextmanager
def _requiring_gradients(weights: Iterable[nn.Parameter]) -> Iterator[None]:
    """Let frozen ``weights`` have gradients within."""
    frozen = [weight for weight in weights if not weight.requires_grad]
    try:
        for weight in frozen:
            weight.requires_grad_(True)
        yield
    finally:
        for weight in frozen:
            weight.requires_grad_(False)


def _gradients(
    model: nn.Module,
    weights: Mapping[str, nn.Parameter],
    samples: ClassSamples,
    index: Tensor,
    precision: str,
) -> dict[str, Tensor]:
    device = device_of(model)
    with autocast(device, precision), loss_gradients_only(model):
        logits = main_logits(model(as_input(samples.normalised(index), model))).float()
    if not logits.requires_grad:
        raise SaliencyError(
            "the model's output has no gradient by any weight to prune; expected a `forward` that neither "
            "detaches its result nor turns gradients off"
        )
    loss = functional.cross_entropy(logits, samples.labels[index].to(device), reduction="sum") / len(samples)
    gradients = torch.autograd.grad(loss, list(weights.values()), materialize_grads=True, allow_unused=True)
    return dict(zip(weights, gradients, strict=True))
