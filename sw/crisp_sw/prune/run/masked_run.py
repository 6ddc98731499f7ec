"""The run that all methods share that mask weights."""

from pathlib import Path

import torch
from torch import Tensor, nn

from crisp_sw.modules.wrappers import module_copy
from crisp_sw.prune.layers.computed_weights import require_computed_zeros, require_prunable
from crisp_sw.prune.layers.prunable_layers import select_layers
from crisp_sw.prune.masks.masked_layer import MaskedLayer, mask_for, sparsity_of
from crisp_sw.prune.masks.masking import attach_mask, squash_masks
from crisp_sw.prune.methods.registry import register_run, selection_for
from crisp_sw.prune.run.progress import ProgressCallback
from crisp_sw.prune.run.report import LayerReport, PruneReport, PruneResult
from crisp_sw.prune.run.run_loop import RunLoop
from crisp_sw.prune.settings.masked_pruning import MaskedPruning
from crisp_sw.prune.settings.schedule import target_sparsities
from crisp_sw.prune.tuning.inference import as_input
from crisp_sw.prune.tuning.master_weights import master_copy
from crisp_sw.prune.tuning.saliency import measure_saliency
from crisp_sw.prune.tuning.samples import ClassSamples


@register_run(MaskedPruning)
class MaskedRun(RunLoop):
    """Chooses masks by saliency and trains what they keep, in turns; how is chosen is a `Selection`.

    Parameters as of :func:`crisp_sw.prune.prune_for_classes`.
    """

    settings: MaskedPruning

    def __init__(
        self,
        model: nn.Module,
        samples: ClassSamples,
        settings: MaskedPruning,
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
        saliency = measure_saliency(
            self.model, weights, self.samples, self.settings.scoring, self.settings.training
        )
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
