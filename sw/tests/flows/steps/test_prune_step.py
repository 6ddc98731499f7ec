"""The pruning step: figures of the pruned network and of its dense comparison."""

import pytest
import torch

from crisp_spec.errors import CrispError
from crisp_sw.flows.inputs import load_task
from crisp_sw.flows.steps import PruneBudget, prune_task
from crisp_sw.prune import settings_of

SETTINGS = settings_of(sparsity=0.8, iterations=1, final_epochs=1, batch_size=32)


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
    assert stages[0] == "pruning"
    assert stages[-1] == "fine-tuning the dense network"
    assert seen[-1][1] == seen[-1][2] == SETTINGS.training.total_epochs


def test_without_the_dense_comparison(digits_checkpoint):
    task = load_task(digits_checkpoint, "3,8")
    pruned = prune_task(task, SETTINGS, PruneBudget(samples_per_class=30, compare_dense=False))
    assert "dense_fine_tuned" not in pruned.figures["accuracy"]


def test_fine_tuned_teacher_is_trained_first(digits_checkpoint):
    task = load_task(digits_checkpoint, "3,8")
    budget, stages = PruneBudget(samples_per_class=30, teacher="fine-tuned"), []
    pruned = prune_task(task, SETTINGS, budget, lambda stage, *_: stages.append(stage))
    assert stages[0] == "fine-tuning the dense network"
    assert stages[-1] == "pruning"
    assert pruned.figures["teacher"] == "fine-tuned"
    assert set(pruned.figures["seconds"]) == {"dense", "pruned"}


def test_transfer_set_is_that_of_the_other_classes(digits_checkpoint):
    task, budget = load_task(digits_checkpoint, "3,8"), PruneBudget(samples_per_class=30)
    without = prune_task(task, SETTINGS, budget)
    taught = prune_task(task, SETTINGS.with_values(unlabelled_batch=16), budget)
    assert taught.figures["settings"]["unlabelled_batch"] == 16
    expected = without.model.state_dict()
    assert any(not torch.equal(value, expected[name]) for name, value in taught.model.state_dict().items())


def test_resuming_from_nowhere_is_refused(digits_checkpoint):
    with pytest.raises(CrispError, match="`resume` without `state_dir` has no effect; expected a directory"):
        prune_task(load_task(digits_checkpoint, "3,8"), SETTINGS, PruneBudget(), resume=True)


def test_interrupted_run_continues_to_the_same_weights(digits_checkpoint, tmp_path):
    task, budget = load_task(digits_checkpoint, "3,8"), PruneBudget(samples_per_class=30)
    settings = SETTINGS.with_values(final_epochs=3)

    def interrupt(stage: str, done: int, *_: object) -> None:
        if stage == "pruning" and done == 3:
            raise KeyboardInterrupt

    whole = prune_task(task, settings, budget)
    state = tmp_path / "state"
    with pytest.raises(KeyboardInterrupt):
        prune_task(task, settings, budget, interrupt, state_dir=state)
    assert state.is_dir()
    resumed = prune_task(task, settings, budget, state_dir=state, resume=True)
    assert not state.exists()
    expected = whole.model.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in resumed.model.state_dict().items())


@pytest.mark.parametrize("teacher", ["original", "fine-tuned"])
def test_interrupt_of_the_second_stage_keeps_the_first(digits_checkpoint, tmp_path, teacher):
    task, budget = load_task(digits_checkpoint, "3,8"), PruneBudget(samples_per_class=30, teacher=teacher)
    second = "pruning" if teacher == "fine-tuned" else "fine-tuning the dense network"

    def interrupt(stage: str, *_: object) -> None:
        if stage == second:
            raise KeyboardInterrupt

    whole, stages = prune_task(task, SETTINGS, budget), []
    state = tmp_path / "state"
    with pytest.raises(KeyboardInterrupt):
        prune_task(task, SETTINGS, budget, interrupt, state_dir=state)
    resumed = prune_task(
        task, SETTINGS, budget, lambda stage, *_: stages.append(stage), state_dir=state, resume=True
    )
    assert set(stages) == {second}
    assert list(tmp_path.iterdir()) == []
    expected = whole.model.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in resumed.model.state_dict().items())
    assert resumed.figures["accuracy"] == whole.figures["accuracy"]
    assert resumed.figures["seconds"] == {}


def test_run_from_the_beginning_forgets_both_stages_of_another(digits_checkpoint, tmp_path):
    task, budget = load_task(digits_checkpoint, "3,8"), PruneBudget(samples_per_class=30)

    def interrupt_in(wanted: str):
        def interrupt(stage: str, *_: object) -> None:
            if stage == wanted:
                raise KeyboardInterrupt

        return interrupt

    state = tmp_path / "state"
    with pytest.raises(KeyboardInterrupt):
        prune_task(task, SETTINGS, budget, interrupt_in("fine-tuning the dense network"), state_dir=state)
    other = SETTINGS.with_values(seed=5)
    with pytest.raises(KeyboardInterrupt):
        prune_task(task, other, budget, interrupt_in("pruning"), state_dir=state)
    assert prune_task(task, other, budget, state_dir=state, resume=True).figures["settings"]["seed"] == 5
    assert list(tmp_path.iterdir()) == []


def test_run_that_fails_leaves_no_state(digits_checkpoint, tmp_path):
    task = load_task(digits_checkpoint, "3,8")
    budget = PruneBudget(samples_per_class=30, teacher="fine-tuned")
    hopeless = SETTINGS.with_values(learning_rate=1e30)
    with pytest.raises(CrispError):
        prune_task(task, hopeless, budget, state_dir=tmp_path / "state")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples_per_class": 0}, "`samples_per_class` must be an integer of at least 1, not 0"),
        ({"teacher": "none"}, "`teacher` must be original or fine-tuned, not 'none'"),
        ({"teacher": "fine-tuned", "compare_dense": False}, "a fine-tuned teacher is the dense comparison"),
    ],
)
def test_budget_out_of_range(options: dict, message: str):
    with pytest.raises(CrispError, match=message):
        PruneBudget(**options)
