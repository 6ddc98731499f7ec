"""Pruning for the user's classes: choosing weights in turns with fine-tuning."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from crisp_sw.modules.wrappers import module_copy
from crisp_sw.prune.layers.computed_weights import require_computed_zeros, require_prunable
from crisp_sw.prune.layers.prunable_layers import select_layers
from crisp_sw.prune.masks.masked_layer import MaskedLayer, mask_for, sparsity_of
from crisp_sw.prune.masks.masking import attach_mask, squash_masks
from crisp_sw.prune.methods.channels import ChannelRun
from crisp_sw.prune.methods.selection import selection_for
from crisp_sw.prune.run.progress import ProgressCallback, PruneProgress, ignore_progress
from crisp_sw.prune.run.report import LayerReport, PruneReport, PruneResult, dense_reports
from crisp_sw.prune.run.run_checks import own_copy, require_ready
from crisp_sw.prune.run.run_loop import RunLoop
from crisp_sw.prune.run.run_state import require_place
from crisp_sw.prune.settings.schedule import target_sparsities
from crisp_sw.prune.settings.settings import PruneSettings
from crisp_sw.prune.settings.value_checks import require_function
from crisp_sw.prune.tuning.dense import fine_tune_dense
from crisp_sw.prune.tuning.fine_tuning import EpochStatistics
from crisp_sw.prune.tuning.inference import as_input
from crisp_sw.prune.tuning.master_weights import master_copy
from crisp_sw.prune.tuning.saliency import measure_saliency
from crisp_sw.prune.tuning.samples import ClassSamples


def prune_for_classes(
    model: nn.Module,
    samples: ClassSamples,
    settings: PruneSettings | None = None,
    *,
    teacher: nn.Module | None = None,
    state_dir: str | Path | None = None,
    resume: bool = False,
    keep_state: bool = False,
    on_progress: ProgressCallback = ignore_progress,
) -> PruneResult:
    """Prune a copy of ``model`` by ``settings.method``, for the classes of ``samples``.

    Each iteration measures the saliency, chooses the weights that stay until the target of the iteration is
    reached, and fine-tunes. After the last one the mask is frozen for the final epochs. The same arguments
    give the same result on the same machine with the same number of threads, resumed or not.

    Parameters
    ----------
    model : any module of Conv2d and Linear that maps [N, C, H, W] to logits [N, classes], or to a named tuple
        with such ``logits``, on any device and of any floating type; left unchanged. It is trained in
        float32, and comes back in its own type, out of the wrappers that
        :func:`crisp_sw.modules.wrappers.unwrapped` lists; its layers have their names within. To keep only
        the user's outputs, cut it with :func:`crisp_sw.prune.restrict_classifier` first.
    samples : their labels index the model's outputs.
    settings : the defaults if None.
    teacher : distilled from, with the same outputs; ``model`` as it is if None.
    state_dir : where the run is saved after every pruning step and epoch; removed when it is finished. Ctrl-C
        loses at most the epoch under way.
    resume : continue the run in ``state_dir`` if there is one.
    keep_state : leave the finished run in ``state_dir``, where ``resume`` finds its result without training.

    Raises
    ------
    PruneError : a weight of the model is not finite, the settings do not fit the model, a layer computes with
        another weight than its parameter, training diverges, the saved run is another one, or there is no
        ``state_dir`` to resume from or to keep the run in.
    OutputFileError : nothing can be written to ``state_dir``; known before training.
    UnreachableSparsityError : the pattern and the floors allow less than the target; known before training.
    SaliencyError : a gradient is not finite.
    SamplesError : fewer samples than a batch, labels or classes that do not fit the model's outputs, or
        images that the model cannot read or train on; known before training.
    """
    settings, model = PruneSettings() if settings is None else settings, own_copy(model)
    teacher = None if teacher is None else own_copy(teacher)
    require_function("on_progress", on_progress)
    require_place(state_dir, resume=resume, keep_state=keep_state)
    require_ready(model, teacher, samples, settings)
    if settings.method == "channel":
        channels = ChannelRun(model, samples, settings, teacher, on_progress)
        return channels.complete(state_dir, resume=resume, keep_state=keep_state)
    if settings.method == "dense":
        return _only_fine_tune(
            model,
            samples,
            settings,
            on_progress,
            teacher=teacher,
            state_dir=state_dir,
            resume=resume,
            keep_state=keep_state,
        )
    masked = _MaskedRun(model, samples, settings, teacher, on_progress)
    return masked.complete(state_dir, resume=resume, keep_state=keep_state)


class _MaskedRun(RunLoop):
    """A run of a method that masks weights."""

    def __init__(
        self,
        model: nn.Module,
        samples: ClassSamples,
        settings: PruneSettings,
        teacher: nn.Module | None,
        on_progress: ProgressCallback,
    ):
        super().__init__(model, samples, settings, teacher, on_progress)
        self.model = master_copy(model)
        self.layer_names = [name for name, _ in self.model.named_modules()]
        prunable, self.dense_layers = select_layers(self.model, settings)
        require_prunable(self.model, [layer.name for layer in prunable], self._image_for(self.model))
        self.layers = {
            layer.name: MaskedLayer(layer, attach_mask(layer.module, mask_for(layer, settings)))
            for layer in prunable
        }
        self.selection = selection_for(self.layers, settings)
        self.selection.require_reachable(settings.sparsity)
        # About three times as fast on a CPU; masks become channels-last with their weights.
        self.model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.tuner = self.new_tuner()

    def prune_to(self, target: float) -> None:
        weights = {name: layer.weight for name, layer in self.layers.items()}
        saliency = measure_saliency(self.model, weights, self.samples, self.settings)
        self.selection.select(saliency, target)

    def sparsity(self) -> float:
        return sparsity_of(list(self.layers.values()))

    def freeze(self) -> None:
        for layer in self.layers.values():
            layer.freeze()

    def complete(self, state_dir: str | Path | None, *, resume: bool, keep_state: bool) -> PruneResult:
        """Run to the end and return the plain model with its patterns."""
        targets = target_sparsities(self.settings, start=self.selection.start_sparsity)
        self.run(targets, state_dir, resume=resume)
        squash_masks(self.model)
        self.finish(keep_state=keep_state)
        return self._result()

    def _result(self) -> PruneResult:
        pruned = [layer.report() for layer in self.layers.values()]
        dense = [LayerReport.dense(layer.name, layer.weights, layer.reason) for layer in self.dense_layers]
        layers = sorted([*pruned, *dense], key=lambda layer: self.layer_names.index(layer.name))
        # Masking reordered parameters and memory; a fresh copy of the user's model has neither trace.
        model = module_copy(self.original)
        model.load_state_dict(self.model.state_dict())
        masks = {name: layer.mask for name, layer in self.layers.items()}
        require_computed_zeros(model, masks, self._image_for(model))
        return PruneResult(
            model=model.eval(),
            patterns={name: layer.pattern() for name, layer in self.layers.items()},
            report=PruneReport(settings=self.settings, layers=tuple(layers), iterations=self.history()),
        )

    def _image_for(self, model: nn.Module) -> Tensor:
        return as_input(self.samples.normalised(torch.arange(1)), model)


def _only_fine_tune(
    model: nn.Module,
    samples: ClassSamples,
    settings: PruneSettings,
    on_progress: ProgressCallback,
    **run: Any,
) -> PruneResult:
    """Fine-tune with the arguments of `fine_tune_dense` in ``run``."""

    def relay(epoch: int, statistics: EpochStatistics) -> None:
        on_progress(
            PruneProgress(
                stage="fine-tune",
                iteration=0,
                iterations=0,
                epoch=epoch,
                epochs=settings.total_epochs,
                sparsity=0.0,
                loss=statistics.loss,
                accuracy=statistics.accuracy,
            )
        )

    tuned = fine_tune_dense(model, samples, settings, on_epoch=relay, **run)
    layers = dense_reports(tuned, reason="method dense")
    return PruneResult(
        model=tuned, patterns={}, report=PruneReport(settings=settings, layers=layers, iterations=())
    )
