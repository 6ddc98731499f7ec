"""The pruning step: prune for the user's classes, and fine-tune the dense network as the comparison."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from crisp_files.documents import document_from_json, document_json
from crisp_spec.errors import CrispError
from crisp_sw.exchange.pruned_model import PrunedModel
from crisp_sw.flows.inputs.class_task import ClassTask
from crisp_sw.flows.steps.budgets import PruneBudget
from crisp_sw.flows.steps.progress import StepCallback, ignore_progress
from crisp_sw.prune import (
    ClassSamples,
    PruneProgress,
    PruneResult,
    PruneSettings,
    fine_tune_dense,
    prune_for_classes,
)
from crisp_sw.prune.run.run_state import require_place
from crisp_sw.prune.tuning.fine_tuning import EpochStatistics
from crisp_sw.results.accuracies import Accuracies
from crisp_sw.results.steps import PrunedLayer, PruneStep, PruningIteration
from crisp_sw.train.evaluation import evaluate, evaluate_subset


def prune_task(
    task: ClassTask,
    settings: PruneSettings,
    budget: PruneBudget,
    on_progress: StepCallback = ignore_progress,
    *,
    state_dir: Path | None = None,
    resume: bool = False,
) -> PrunedModel:
    """Cut the network to the user's classes and prune it.

    Parameters
    ----------
    state_dir : where the run under way is kept, both of its stages; removed when it is finished.
    resume : continue the run in ``state_dir`` if there is one; otherwise what is there is removed first.

    Returns
    -------
    The pruned model, on the CPU, wherever it was pruned. Its figures are a `PruneStep` as JSON, see
    `pruned_step`.

    Raises
    ------
    CrispError : see `ClassTask.samples` and :func:`crisp_sw.prune.prune_for_classes`.
    """
    require_place(state_dir, resume=resume)
    samples = task.samples(
        budget.samples_per_class,
        settings.training.seed,
        batch=settings.training.batch_size,
        unlabelled=settings.training.teaching.unlabelled_batch > 0,
    )
    restricted = task.user.restrict(task.model)
    before = evaluate_subset(task.model, task.splits.test, task.info.normalization, task.classes)
    accuracy = {"dense": before.subset_outputs, "dense_all_outputs": before.all_outputs}
    run = _Run(restricted, samples, settings, on_progress, state_dir, resume)
    # Pruning goes first where it can: it knows before any training whether the target can be reached.
    with run.forgotten_if_hopeless():
        dense = run.dense() if budget.teacher == "fine-tuned" else None
        result = run.prune(dense)
        if budget.compare_dense:
            accuracy["dense_fine_tuned"] = _accuracy(task, dense or run.dense())
    accuracy["pruned"] = _accuracy(task, result.model)
    run.remove_state()
    return PrunedModel(
        model=result.model.cpu(),
        info=replace(
            task.info,
            num_classes=len(task.names),
            classes=task.names,
            class_ids=task.user.ids,
            accuracy=accuracy["pruned"],
        ),
        patterns=result.patterns,
        figures=document_json(_step(task, result, budget, Accuracies(**accuracy), run.seconds)),
    )


def pruned_step(pruned: PrunedModel) -> PruneStep:
    """What was found when a model was pruned, as it is kept with it.

    Raises
    ------
    DocumentError : the model was pruned by another version, which did not say all of it.
    """
    return document_from_json(PruneStep, pruned.figures, "the figures of the pruned model")


class _Run:
    """Fine-tuning and pruning of one network, each with its time and its place for an interrupted run."""

    def __init__(
        self,
        model: nn.Module,
        samples: ClassSamples,
        settings: PruneSettings,
        on_progress: StepCallback,
        state_dir: Path | None,
        resume: bool,
    ):
        self.model, self.samples, self.settings = model, samples, settings
        self.on_progress, self.state_dir, self.resume = on_progress, state_dir, resume
        self.seconds: dict[str, float] = {}
        if not resume:
            self.remove_state()

    def dense(self) -> nn.Module:
        """The dense network, fine-tuned with the budget of the pruned one."""

        def report(done: int, epoch: EpochStatistics) -> None:
            detail = f"loss {epoch.loss:.3f}, accuracy {epoch.accuracy:.2%}"
            self.on_progress(
                "fine-tuning the dense network", done, self.settings.training.total_epochs, detail
            )

        with self._stage("dense") as kept:
            return fine_tune_dense(self.model, self.samples, self.settings, on_epoch=report, **kept)

    def prune(self, teacher: nn.Module | None) -> PruneResult:
        """The pruned network."""
        relay = _relay(self.on_progress)
        with self._stage("pruned") as kept:
            return prune_for_classes(
                self.model, self.samples, self.settings, teacher=teacher, on_progress=relay, **kept
            )

    @contextmanager
    def forgotten_if_hopeless(self) -> Iterator[None]:
        """Leave no state of a run that fails by itself: continuing it would fail again."""
        older = self.state_dir is not None and self.state_dir.exists()
        try:
            yield
        except CrispError:
            if not older:
                self.remove_state()
            raise

    def remove_state(self) -> None:
        """Forget the interrupted run, now that it is finished."""
        if self.state_dir is not None:
            shutil.rmtree(self.state_dir, ignore_errors=True)

    @contextmanager
    def _stage(self, name: str) -> Iterator[dict[str, Any]]:
        """How a stage is kept: also when it is done, as an interrupt of the next one must not lose it."""
        place = None if self.state_dir is None else self.state_dir / name
        resumed, started = place is not None and place.exists(), time.perf_counter()
        yield {} if place is None else {"state_dir": place, "resume": self.resume, "keep_state": True}
        if not resumed:
            self.seconds[name] = time.perf_counter() - started


def _step(
    task: ClassTask,
    result: PruneResult,
    budget: PruneBudget,
    accuracy: Accuracies,
    seconds: dict[str, float],
) -> PruneStep:
    report = result.report
    return PruneStep(
        dataset=task.splits.name,
        model=task.info.model,
        classes=task.names,
        class_ids=task.user.ids,
        class_indices=task.classes,
        image_size=task.info.image_size,
        mean=task.info.mean,
        std=task.info.std,
        **vars(budget),
        training_images=tuple(min(count, budget.samples_per_class) for count in task.training_counts()),
        test_images=len(task.test_images()),
        accuracy=accuracy,
        seconds=seconds,
        settings=report.settings.to_json(),
        sparsity=report.sparsity,
        model_sparsity=report.model_sparsity,
        layers=tuple(PrunedLayer(**vars(layer)) for layer in report.layers),
        iterations=tuple(PruningIteration(**vars(iteration)) for iteration in report.iterations),
    )


def _accuracy(task: ClassTask, restricted: nn.Module) -> float:
    return evaluate(restricted, task.test_images(), task.info.normalization)


def _relay(on_progress: StepCallback):
    def relay(progress: PruneProgress) -> None:
        detail = f"sparsity {progress.sparsity:.1%}"
        if progress.accuracy is not None:
            detail += f", accuracy {progress.accuracy:.2%}"
        on_progress("pruning", progress.epoch, progress.epochs, detail)

    return relay
