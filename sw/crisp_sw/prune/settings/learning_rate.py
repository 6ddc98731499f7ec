"""The learning rate at every point of a run."""

import math

from crisp_sw.prune.settings.fine_tuning_settings import FineTuning


def learning_rate_at(training: FineTuning, epochs: float) -> float:
    """Return the learning rate after ``epochs`` epochs of the run, 0 to below ``training.total_epochs``.

    "final-cosine": constant up to the final epochs, then ``(1 + cos(pi * x)) / 2`` of it, with x from 0 to 1
    over them. "cosine": the same with x over the whole run (Loshchilov & Hutter 2017, "SGDR", eq. 5, without
    restarts). In the first ``warmup_epochs`` that is scaled by the share of them that has passed.
    """
    total = training.total_epochs
    start = total - training.final_epochs if training.lr_schedule == "final-cosine" else 0
    progress = max(0.0, epochs - start) / max(1, total - start)
    rate = training.learning_rate * (1 + math.cos(math.pi * progress)) / 2
    if epochs < training.warmup_epochs:
        rate *= epochs / training.warmup_epochs
    return rate
