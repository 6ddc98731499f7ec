"""Dense fine-tuning with the budget of a pruning run: the reference for every pruned model's accuracy."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from crisp_sw.prune.run.run_checks import own_copy, require_ready, require_trained
from crisp_sw.prune.run.run_state import RunFile, RunState, require_place
from crisp_sw.prune.settings.prune_settings import PruneSettings
from crisp_sw.prune.settings.value_checks import require_function
from crisp_sw.prune.tuning.batch_norm import finish_batch_norm
from crisp_sw.prune.tuning.fine_tuning import EpochStatistics, FineTuner
from crisp_sw.prune.tuning.master_weights import give_types_of, master_copy
from crisp_sw.prune.tuning.samples import ClassSamples
from crisp_sw.prune.tuning.teacher import Teacher


def fine_tune_dense(
    model: nn.Module,
    samples: ClassSamples,
    settings: PruneSettings,
    *,
    teacher: nn.Module | None = None,
    state_dir: str | Path | None = None,
    resume: bool = False,
    keep_state: bool = False,
    on_epoch: Callable[[int, EpochStatistics], None] | None = None,
) -> nn.Module:
    """Return a dense copy of ``model``, fine-tuned for the samples with the budget of a pruning run.

    It sees the same number of epochs with the same loss, learning rates and seed: the fair reference for
    the accuracy of a pruned model.

    Parameters
    ----------
    settings : of any method; what it says of pruning is not looked at.
    teacher, state_dir, resume, keep_state : as of :func:`crisp_sw.prune.prune_for_classes`.
    on_epoch : called with the number of epochs done, from 1, and the last one's statistics.

    Raises
    ------
    PruneError, OutputFileError : as of :func:`crisp_sw.prune.prune_for_classes`.
    SamplesError : fewer samples than a batch, or labels that do not fit the model's outputs.
    """
    model = own_copy(model)
    teacher = None if teacher is None else own_copy(teacher)
    if on_epoch is not None:
        require_function("on_epoch", on_epoch)
    require_place(state_dir, resume=resume, keep_state=keep_state)
    require_ready(model, teacher, samples, settings)
    dense = master_copy(model).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    training = settings.training
    source = Teacher(teacher or model, samples, training) if training.teaching.distillation > 0 else None
    tuner = FineTuner(dense, samples, training, source)
    file = RunFile.of(state_dir, model, teacher, samples, settings, kind="dense")
    state = file.load(dense, tuner.optimizer) if resume else RunState()
    while state.epoch < training.total_epochs:
        statistics = tuner.train_epoch(state.epoch)
        state.epoch += 1
        file.save(state, dense, tuner.optimizer)
        if on_epoch:
            on_epoch(state.epoch, statistics)
    finish_batch_norm(dense, samples, training)
    require_trained(dense)
    if not keep_state:
        file.remove()
    give_types_of(model, dense)
    return dense.to(memory_format=torch.contiguous_format)  # pyright: ignore[reportCallIssue]
