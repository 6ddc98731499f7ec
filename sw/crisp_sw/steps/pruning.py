"""The pruning step: prune for the user's classes, and fine-tune the dense network as the comparison."""

import time
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from crisp_golden.errors import CrispError
from crisp_sw.evaluation import evaluate, evaluate_subset
from crisp_sw.export.pruned import PrunedModel
from crisp_sw.prune import (
    PruneProgress,
    PruneResult,
    PruneSettings,
    fine_tune_dense,
    prune_for_classes,
    restrict_classifier,
)
from crisp_sw.steps.class_task import ClassTask
from crisp_sw.steps.progress import StepCallback, ignore_progress


@dataclass(frozen=True, kw_only=True)
class PruneBudget:
    """What a pruning run may use beside the pruner's own settings.

    Attributes
    ----------
    samples_per_class : training images of each of the user's classes.
    compare_dense : also fine-tune the dense network with the same budget, for its accuracy.
    """

    samples_per_class: int = 500
    compare_dense: bool = True

    def __post_init__(self):
        if self.samples_per_class < 1:
            raise CrispError(f"`samples_per_class` must be at least 1, not {self.samples_per_class}")


def prune_task(
    task: ClassTask,
    settings: PruneSettings,
    budget: PruneBudget,
    on_progress: StepCallback = ignore_progress,
) -> PrunedModel:
    """Cut the network to the user's classes and prune it.

    Returns
    -------
    The pruned model. Its figures have every setting, the sparsity of every layer, seconds, and the top-1
    ``accuracy`` on all test images of the classes: ``dense`` (as trained, best of the user's outputs),
    ``dense_all_outputs``, ``dense_fine_tuned`` and ``pruned``.
    """
    samples = task.samples(budget.samples_per_class, settings.seed)
    restricted = restrict_classifier(task.model, task.classes)
    before = evaluate_subset(task.model, task.splits.test, task.info.normalization, task.classes)
    accuracy = {"dense": before.subset_outputs, "dense_all_outputs": before.all_outputs}
    started = time.perf_counter()
    if budget.compare_dense:
        dense = fine_tune_dense(
            restricted,
            samples,
            settings,
            on_epoch=lambda done, epoch: on_progress(
                "fine-tuning the dense network",
                done,
                settings.total_epochs,
                f"loss {epoch.loss:.3f}, accuracy {epoch.accuracy:.2%}",
            ),
        )
        accuracy["dense_fine_tuned"] = _accuracy(task, dense)
    dense_seconds = time.perf_counter() - started
    result = prune_for_classes(restricted, samples, settings, on_progress=_relay(on_progress))
    accuracy["pruned"] = _accuracy(task, result.model)
    seconds = {"dense": dense_seconds, "pruned": time.perf_counter() - started - dense_seconds}
    return PrunedModel(
        model=result.model,
        info=replace(
            task.info, num_classes=len(task.classes), classes=task.names, accuracy=accuracy["pruned"]
        ),
        patterns=result.patterns,
        figures=_figures(task, result, budget, accuracy, seconds),
    )


def _figures(
    task: ClassTask,
    result: PruneResult,
    budget: PruneBudget,
    accuracy: dict[str, float],
    seconds: dict[str, float],
) -> dict[str, Any]:
    return {
        "dataset": task.splits.name,
        "model": task.info.model,
        "classes": list(task.names),
        "class_indices": list(task.classes),
        "samples_per_class": budget.samples_per_class,
        "accuracy": accuracy,
        "seconds": seconds,
        **result.report.to_json(),
    }


def _accuracy(task: ClassTask, restricted: nn.Module) -> float:
    return evaluate(restricted, task.test_images(), task.info.normalization)


def _relay(on_progress: StepCallback):
    def relay(progress: PruneProgress) -> None:
        detail = f"sparsity {progress.sparsity:.1%}"
        if progress.accuracy is not None:
            detail += f", accuracy {progress.accuracy:.2%}"
        on_progress("pruning", progress.epoch, progress.epochs, detail)

    return relay
