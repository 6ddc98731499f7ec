"""The channel-pruning baseline: whole channels go, by the library Torch-Pruning, in the same frame."""

import copy
from bisect import bisect_left
from dataclasses import asdict
from types import ModuleType

import torch
from torch import Tensor, nn

from crisp_sw.prune.batch_norm import finish_batch_norm
from crisp_sw.prune.errors import PruneError, UnreachableSparsityError
from crisp_sw.prune.fine_tuning import EpochStatistics, FineTuner
from crisp_sw.prune.inference import device_of
from crisp_sw.prune.progress import ProgressCallback, PruneProgress
from crisp_sw.prune.random_streams import Stream, stream_seed
from crisp_sw.prune.report import IterationReport, LayerReport, PruneReport, PruneResult
from crisp_sw.prune.saliency import accumulate_gradients
from crisp_sw.prune.samples import ClassSamples
from crisp_sw.prune.schedule import target_sparsities
from crisp_sw.prune.settings import PruneSettings
from crisp_sw.prune.teacher import Teacher

RATIO_STEPS = 256
"""Channel ratios are tried in steps of 1/256 of a layer's channels."""


def load_torch_pruning() -> ModuleType:
    """Return the library.

    Raises
    ------
    PruneError : it is not installed.
    """
    try:
        import torch_pruning
    except ImportError as error:
        raise PruneError(
            "method 'channel' needs the library Torch-Pruning, which is not installed; expected it from the "
            "extra `baselines`: pip install 'crisp-stc[baselines]'"
        ) from error
    return torch_pruning


def prune_channels(
    model: nn.Module,
    samples: ClassSamples,
    settings: PruneSettings,
    *,
    teacher: nn.Module | None,
    on_progress: ProgressCallback,
) -> PruneResult:
    """Remove channels of all layers alike until ``settings.sparsity`` of all weights are gone.

    Dependent layers lose channels together (Fang et al. 2023, "DepGraph: towards any structural pruning"); a
    group's importance is the library's: class-aware (Molchanov et al. 2019), magnitude, or random. The
    classifier keeps its outputs. Arguments as of :func:`crisp_sw.prune.prune_for_classes`.

    Returns
    -------
    A model with smaller layers, and no patterns: the hardware runs it dense.

    Raises
    ------
    UnreachableSparsityError : one channel in every layer is still too much.
    """
    run = _ChannelRun(model, samples, settings, teacher, on_progress)
    return run.complete()


class _ChannelRun:
    def __init__(
        self,
        model: nn.Module,
        samples: ClassSamples,
        settings: PruneSettings,
        teacher: nn.Module | None,
        on_progress: ProgressCallback,
    ):
        self.library = load_torch_pruning()
        self.samples, self.settings, self.on_progress = samples, settings, on_progress
        self.weights = layer_weights(model)
        self.model = copy.deepcopy(model)
        self.teacher = Teacher(teacher or model, samples, settings) if settings.distillation > 0 else None
        self.iteration = self.epoch = 0

    def complete(self) -> PruneResult:
        settings, history = self.settings, []
        for target in target_sparsities(settings, start=0.0):
            self.model = self._pruned_to(target)
            self.iteration += 1
            self._report_progress(None)
            last = self._fine_tune(settings.epochs_per_iteration)
            history.append(IterationReport.of(target, self._sparsity(), last))
        self._fine_tune(settings.final_epochs)
        finish_batch_norm(self.model, self.samples, settings)
        kept = layer_weights(self.model)
        layers = tuple(
            LayerReport(name=name, weights=weights, kept_weights=kept[name])
            for name, weights in self.weights.items()
        )
        report = PruneReport(settings=settings, layers=layers, iterations=tuple(history))
        return PruneResult(model=self.model.eval(), patterns={}, report=report)

    def _pruned_to(self, target: float) -> nn.Module:
        """Return a copy with as few channels removed, in steps of the ratio, as reach ``target``."""
        gradients = self._gradients()
        allowed = (1 - target) * sum(self.weights.values()) + 1e-6

        def reaches(step: int) -> bool:
            return sum(layer_weights(self._without(step / RATIO_STEPS, gradients)).values()) <= allowed

        step = bisect_left(range(RATIO_STEPS), True, key=reaches)
        if step == RATIO_STEPS:
            left = sum(layer_weights(self._without(1 - 1 / RATIO_STEPS, gradients)).values())
            raise UnreachableSparsityError(
                f"`sparsity` {target:g} cannot be reached by removing channels: the nearest is "
                f"{1 - left / sum(self.weights.values()):.4f}; expected at most that"
            )
        return self._without(step / RATIO_STEPS, gradients)

    def _without(self, ratio: float, gradients: dict[str, Tensor]) -> nn.Module:
        """Return a copy of the model as it stands, without ``ratio`` of the channels of every layer."""
        pruned = copy.deepcopy(self.model).eval()
        for name, parameter in pruned.named_parameters():
            parameter.requires_grad_(True)
            parameter.grad = gradients.get(name)
        *_, classifier = (module for module in pruned.modules() if isinstance(module, nn.Linear | nn.Conv2d))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream_seed(self.settings.seed, Stream.SALIENCY, self.iteration))
            pruner = self.library.pruner.BasePruner(
                pruned,
                self.samples.normalised(torch.arange(1)).to(device_of(pruned)),
                importance=self._importance(),
                pruning_ratio=ratio,
                ignored_layers=[classifier],
            )
            pruner.step()
        pruned.zero_grad(set_to_none=True)
        return pruned

    def _importance(self) -> object:
        importance = self.library.importance
        kinds = {
            "class-aware": importance.GroupTaylorImportance,
            "magnitude": importance.GroupMagnitudeImportance,
            "random": importance.RandomImportance,
        }
        return kinds[self.settings.saliency]()

    def _gradients(self) -> dict[str, Tensor]:
        if self.settings.saliency != "class-aware":
            return {}
        return accumulate_gradients(
            self.model,
            dict(self.model.named_parameters()),
            self.samples,
            batch_size=self.settings.batch_size,
            accumulation=self.settings.accumulation,
            precision=self.settings.precision,
        )

    def _fine_tune(self, epochs: int) -> EpochStatistics | None:
        self.model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        tuner = FineTuner(self.model, self.samples, self.settings, self.teacher)
        statistics = None
        for _ in range(epochs):
            statistics = tuner.train_epoch(self.epoch)
            self.epoch += 1
            self._report_progress(statistics)
        self.model.to(memory_format=torch.contiguous_format)  # pyright: ignore[reportCallIssue]
        return statistics

    def _sparsity(self) -> float:
        return 1 - sum(layer_weights(self.model).values()) / sum(self.weights.values())

    def _report_progress(self, statistics: EpochStatistics | None) -> None:
        self.on_progress(
            PruneProgress(
                stage="fine-tune" if statistics else "prune",
                iteration=self.iteration,
                iterations=self.settings.iterations,
                epoch=self.epoch,
                epochs=self.settings.total_epochs,
                sparsity=self._sparsity(),
                **(asdict(statistics) if statistics else {}),
            )
        )


def layer_weights(model: nn.Module) -> dict[str, int]:
    """Return the number of weights of every Conv2d and Linear layer, by name."""
    return {
        name: module.weight.numel()
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    }
