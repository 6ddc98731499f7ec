"""The loop that all pruning methods share: steps in turns with fine-tuning, saved and resumed."""

from abc import ABC, abstractmethod
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

from torch import nn

from crisp_sw.prune.run.progress import ProgressCallback, PruneProgress
from crisp_sw.prune.run.report import IterationReport
from crisp_sw.prune.run.run_checks import require_trained
from crisp_sw.prune.run.run_state import RunFile, RunState
from crisp_sw.prune.settings.masked_pruning import SparsePruning
from crisp_sw.prune.tuning.batch_norm import finish_batch_norm
from crisp_sw.prune.tuning.fine_tuning import EpochStatistics, FineTuner
from crisp_sw.prune.tuning.samples import ClassSamples
from crisp_sw.prune.tuning.teacher import Teacher


class RunLoop(ABC):
    """State of one run: the copy of a model that is being pruned, and how far it has come.

    Parameters
    ----------
    original : the model as given; left unchanged.
    teacher : distilled from; ``original`` if None.

    Attributes
    ----------
    model, tuner : the copy and its training; a subclass sets both before :meth:`run`.
    """

    model: nn.Module
    tuner: FineTuner

    def __init__(
        self,
        original: nn.Module,
        samples: ClassSamples,
        settings: SparsePruning,
        teacher: nn.Module | None,
        on_progress: ProgressCallback,
    ):
        self.original, self.samples, self.settings = original, samples, settings
        self._teacher_model, self._on_progress = teacher or original, on_progress
        self.state, self.file = RunState(), RunFile(None, {})

    @abstractmethod
    def prune_to(self, target: float) -> None:
        """Prune until the sparsity is ``target``."""

    @abstractmethod
    def sparsity(self) -> float:
        """Return the share of the prunable weights that is gone."""

    def freeze(self) -> None:
        """Prepare for the final epochs."""
        return

    def restore(self) -> None:
        """Load the saved run into model and tuner."""
        self.state = self.file.load(self.model, self.tuner.optimizer)

    def run(self, targets: list[float], state_dir: str | Path | None, *, resume: bool) -> None:
        """Run, or finish, all iterations and the final fine-tuning; the model is then in inference mode."""
        training = self.settings.training
        self.file = RunFile.of(
            state_dir, self.original, self._teacher_model, self.samples, self.settings, kind="prune"
        )
        if resume and self.file.exists:
            self.restore()
        for number in range(len(self.state.history), training.iterations):
            if self.state.iteration == number:
                self.prune_to(targets[number])
                self.state.iteration, self.state.last = number + 1, None
                self._report_progress(None)
            self._fine_tune(until=(number + 1) * training.epochs_per_iteration)
            last = EpochStatistics(**self.state.last) if self.state.last else None
            self.state.history.append(asdict(IterationReport.of(targets[number], self.sparsity(), last)))
        self.freeze()
        self._fine_tune(until=training.total_epochs)

    def finish(self, *, keep_state: bool) -> None:
        """Settle BatchNorm's statistics, make sure that all is finite, and remove the saved run."""
        finish_batch_norm(self.model, self.samples, self.settings.training)
        require_trained(self.model)
        if not keep_state:
            self.file.remove()

    def history(self) -> tuple[IterationReport, ...]:
        """Return the reports of the iterations done."""
        return tuple(IterationReport(**values) for values in self.state.history)

    def new_tuner(self) -> FineTuner:
        """Return the training of the model as it stands, without momentum."""
        training = self.settings.training
        teacher = self._teacher if training.teaching.distillation > 0 else None
        return FineTuner(self.model, self.samples, training, teacher)

    @cached_property
    def _teacher(self) -> Teacher:
        return Teacher(self._teacher_model, self.samples, self.settings.training)

    def _fine_tune(self, *, until: int) -> None:
        while self.state.epoch < until:
            statistics = self.tuner.train_epoch(self.state.epoch)
            self.state.epoch += 1
            self.state.last = asdict(statistics)
            self._report_progress(statistics)

    def _report_progress(self, statistics: EpochStatistics | None) -> None:
        self.file.save(self.state, self.model, self.tuner.optimizer)
        self._on_progress(
            PruneProgress(
                stage="fine-tune" if statistics else "prune",
                iteration=self.state.iteration,
                iterations=self.settings.training.iterations,
                epoch=self.state.epoch,
                epochs=self.settings.training.total_epochs,
                sparsity=self.sparsity(),
                **(asdict(statistics) if statistics else {}),
            )
        )
