"""Fine-tuning on the user's samples, with optional distillation from the dense model."""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.inference import collect_logits, device_of
from crisp_sw.prune.samples import ClassSamples
from crisp_sw.prune.settings import PruneSettings


@dataclass(frozen=True, kw_only=True)
class EpochStatistics:
    """Mean loss and accuracy over the samples during one epoch of training."""

    loss: float
    accuracy: float


def distillation_loss(logits: Tensor, targets: Tensor, temperature: float) -> Tensor:
    """Return ``T^2 * KL(softmax(targets / T) || softmax(logits / T))``, the mean over the batch.

    Hinton et al. 2015, "Distilling the knowledge in a neural network", section 2.
    """
    student = functional.log_softmax(logits / temperature, dim=1)
    teacher = functional.log_softmax(targets / temperature, dim=1)
    return functional.kl_div(student, teacher, reduction="batchmean", log_target=True) * temperature**2


def fine_tune(
    model: nn.Module,
    samples: ClassSamples,
    settings: PruneSettings,
    *,
    epochs: int,
    generator: torch.Generator,
    teacher_logits: Tensor,
    decay: bool,
) -> Iterator[EpochStatistics]:
    """Train ``model`` in place for ``epochs``, yielding after each; nothing happens until it is iterated.

    Parameters
    ----------
    generator : orders the samples.
    teacher_logits : float[N, classes] of the dense model, not read where ``settings.distillation`` is 0.
    decay : let the learning rate fall to zero along a cosine, else keep it constant.

    Raises
    ------
    PruneError : the loss is NaN or infinite.
    """
    model.train()
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(
        parameters,
        lr=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
        nesterov=settings.momentum > 0,
    )
    steps_per_epoch = -(-len(samples) // settings.batch_size)
    for epoch in range(epochs):
        loss_sum, right = 0.0, 0
        for step, index in enumerate(samples.batches(settings.batch_size, generator=generator)):
            if decay:
                progress = (epoch + step / steps_per_epoch) / epochs
                optimizer.param_groups[0]["lr"] = (
                    settings.learning_rate * (1 + math.cos(math.pi * progress)) / 2
                )
            loss, hits = _train_step(model, optimizer, samples, index, teacher_logits, settings)
            loss_sum, right = loss_sum + loss * len(index), right + hits
        yield EpochStatistics(loss=loss_sum / len(samples), accuracy=right / len(samples))


def _train_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    samples: ClassSamples,
    index: Tensor,
    teacher_logits: Tensor,
    settings: PruneSettings,
) -> tuple[float, int]:
    device, share = device_of(model), settings.distillation
    labels = samples.labels[index].to(device)
    logits = model(samples.normalised(index).to(device))
    loss = (1 - share) * functional.cross_entropy(logits, labels)
    if share > 0:
        loss = loss + share * distillation_loss(
            logits, teacher_logits[index].to(device), settings.temperature
        )
    _require_finite(loss, settings)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return float(loss.detach()), int((logits.argmax(1) == labels).sum())


def _require_finite(loss: Tensor, settings: PruneSettings) -> None:
    if not bool(loss.isfinite()):
        raise PruneError(
            f"the loss became {float(loss.detach())} at learning rate {settings.learning_rate:g}; "
            "expected a finite number: lower `learning_rate`"
        )


@torch.no_grad()
def reestimate_batch_norm(model: nn.Module, samples: ClassSamples, *, batch_size: int) -> None:
    """Replace the running statistics of every BatchNorm by their plain average over ``samples``.

    All other layers run in inference mode, and the whole model is left in it.
    """
    model.eval()
    norms = [
        module
        for module in model.modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats
    ]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a cumulative average
        norm.train()
    for index in samples.batches(batch_size, generator=torch.Generator().manual_seed(0)):
        model(samples.normalised(index).to(device_of(model)))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()


def fine_tune_dense(
    model: nn.Module,
    samples: ClassSamples,
    settings: PruneSettings,
    *,
    on_epoch: Callable[[int, EpochStatistics], None] | None = None,
) -> nn.Module:
    """Return a dense copy of ``model``, fine-tuned for the samples with the budget of a pruning run.

    It sees the same number of epochs with the same loss, learning rates and seed: the fair reference for
    the accuracy of a pruned model.
    """
    dense = copy.deepcopy(model).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    logits = collect_logits(dense, samples, batch_size=settings.batch_size)
    generator = torch.Generator().manual_seed(settings.seed)
    phases = ((settings.total_epochs - settings.final_epochs, False), (settings.final_epochs, True))
    done = 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        for epochs, decay in phases:
            for statistics in fine_tune(
                dense,
                samples,
                settings,
                epochs=epochs,
                generator=generator,
                teacher_logits=logits,
                decay=decay,
            ):
                done += 1
                if on_epoch:
                    on_epoch(done, statistics)
    reestimate_batch_norm(dense, samples, batch_size=settings.batch_size)
    return dense.to(memory_format=torch.contiguous_format)  # pyright: ignore[reportCallIssue]
