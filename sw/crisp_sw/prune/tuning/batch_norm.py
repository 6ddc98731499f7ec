"""BatchNorm's statistics, taken anew for the user's classes."""

import torch
from torch import nn

from crisp_sw.modules.modes import held_in_inference
from crisp_sw.prune.settings.fine_tuning_settings import FineTuning
from crisp_sw.prune.tuning.inference import as_input
from crisp_sw.prune.tuning.samples import ClassSamples


def finish_batch_norm(model: nn.Module, samples: ClassSamples, training: FineTuning) -> None:
    """Put a trained model into inference mode, with the BatchNorm statistics that the settings ask for."""
    if training.batch_norm == "reestimate":
        reestimate_batch_norm(model, samples, batch_size=training.batch_size)
    model.eval()


@torch.no_grad()
def reestimate_batch_norm(model: nn.Module, samples: ClassSamples, *, batch_size: int) -> None:
    """Replace the running statistics of every BatchNorm by their plain average over ``samples``.

    All other layers run in inference mode, and the whole model is left in it. A BatchNorm that is held in
    inference mode while the model is in training mode keeps its statistics.
    """
    held = set(held_in_inference(model))
    norms = [
        module
        for module in model.modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm)
        and module.track_running_stats
        and module not in held
    ]
    model.eval()
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a cumulative average
        norm.train()
    for index in samples.batches(batch_size, generator=torch.Generator().manual_seed(0)):
        model(as_input(samples.normalised(index), model))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()
