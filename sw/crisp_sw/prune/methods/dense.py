"""The reference of all methods: a dense network, fine-tuned in the same frame."""

from pathlib import Path

from torch import nn

from crisp_sw.prune.methods.registry import register_run
from crisp_sw.prune.run.progress import ProgressCallback, PruneProgress
from crisp_sw.prune.run.report import PruneReport, PruneResult, dense_reports
from crisp_sw.prune.settings.methods import DenseFineTuning
from crisp_sw.prune.tuning.dense_fine_tuning import fine_tune_dense
from crisp_sw.prune.tuning.fine_tuning import EpochStatistics
from crisp_sw.prune.tuning.samples import ClassSamples


@register_run(DenseFineTuning)
class DenseRun:
    """:func:`fine_tune_dense`, reported like the run of a method that prunes."""

    def __init__(
        self,
        model: nn.Module,
        samples: ClassSamples,
        settings: DenseFineTuning,
        teacher: nn.Module | None,
        on_progress: ProgressCallback,
    ):
        self._model, self._samples, self._settings = model, samples, settings
        self._teacher, self._on_progress = teacher, on_progress

    def complete(self, state_dir: str | Path | None, *, resume: bool, keep_state: bool) -> PruneResult:
        """Return a model without patterns."""
        tuned = fine_tune_dense(
            self._model,
            self._samples,
            self._settings,
            teacher=self._teacher,
            state_dir=state_dir,
            resume=resume,
            keep_state=keep_state,
            on_epoch=self._report_progress,
        )
        layers = dense_reports(tuned, reason="method dense")
        report = PruneReport(settings=self._settings, layers=layers, iterations=())
        return PruneResult(model=tuned, patterns={}, report=report)

    def _report_progress(self, epoch: int, statistics: EpochStatistics) -> None:
        self._on_progress(
            PruneProgress(
                stage="fine-tune",
                iteration=0,
                iterations=0,
                epoch=epoch,
                epochs=self._settings.training.total_epochs,
                sparsity=0.0,
                loss=statistics.loss,
                accuracy=statistics.accuracy,
            )
        )
