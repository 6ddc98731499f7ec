"""The pruning step: figures of the pruned network and of its dense comparison."""

import pytest

from crisp_golden.errors import CrispError
from crisp_sw.prune import PruneSettings
from crisp_sw.steps import PruneBudget, load_task, prune_task

SETTINGS = PruneSettings(sparsity=0.8, iterations=1, final_epochs=1, batch_size=32)


def test_figures_and_progress(digits_checkpoint):
    task = load_task(digits_checkpoint, "3,8")
    seen = []
    pruned = prune_task(
        task, SETTINGS, PruneBudget(samples_per_class=30), lambda *progress: seen.append(progress)
    )
    assert set(pruned.figures["accuracy"]) == {"dense", "dense_all_outputs", "dense_fine_tuned", "pruned"}
    assert pruned.figures["sparsity"] >= 0.8
    assert pruned.figures["class_indices"] == [3, 8]
    assert pruned.info.classes == ("3", "8")
    assert pruned.info.num_classes == 2
    assert pruned.patterns.keys() == {
        layer["name"] for layer in pruned.figures["layers"] if layer["dense_reason"] is None
    }
    stages = [stage for stage, *_ in seen]
    assert stages[0] == "fine-tuning the dense network"
    assert stages[-1] == "pruning"
    assert seen[-1][1] == seen[-1][2] == SETTINGS.total_epochs


def test_without_the_dense_comparison(digits_checkpoint):
    task = load_task(digits_checkpoint, "3,8")
    pruned = prune_task(task, SETTINGS, PruneBudget(samples_per_class=30, compare_dense=False))
    assert "dense_fine_tuned" not in pruned.figures["accuracy"]


def test_budget_out_of_range():
    with pytest.raises(CrispError, match="`samples_per_class` must be at least 1, not 0"):
        PruneBudget(samples_per_class=0)
