"""Whole cells on digits: figures of a dense and a pruned network, targets out of reach, interruptions."""

from dataclasses import replace

import pytest
from safetensors.torch import load

from crisp_sw.flows.experiment.cells.cell import Cell
from crisp_sw.flows.experiment.cells.cell_run import CellTask, run_cell
from crisp_sw.flows.experiment.cells.recipe import Recipe
from crisp_sw.prune.tuning.fine_tuning import FineTuner

RECIPE = Recipe(settings={"iterations": 1, "final_epochs": 1, "batch_size": 64, "learning_rate": 0.01})
USER = {"network": "model", "classes": 3, "class_seed": 0}


@pytest.fixture(scope="module")
def run(digits_checkpoint):
    def run_it(dense_weights=None, state=None, recipe=RECIPE, **cell):
        task = CellTask(
            cell=Cell(**USER, **cell),
            recipe=recipe,
            checkpoint=str(digits_checkpoint),
            data="digits",
            data_digest="",
            state=None if state is None else str(state),
        )
        return run_cell(task, dense_weights)

    return run_it


@pytest.fixture(scope="module")
def dense(run):
    return run(method="dense")


def test_dense_cell_has_figures_and_weights(dense):
    result = dense.result
    assert result.accuracy > 0.8
    assert result.accuracy_before > 0.8
    assert result.sparsity == 0
    assert result.nonzero_macs <= result.macs
    assert len(result.class_names) == 3
    assert "linear.weight" in load(dense.weights)
    assert dense.network is not None


def test_pruned_cell_is_smaller_and_faster(run, dense):
    outcome = run(dense.weights, method="crisp", n=1, m=4, block=16, sparsity=0.85)
    result = outcome.result
    assert 0.85 <= result.sparsity < 0.95
    assert result.bytes_packed < dense.result.bytes_packed / 2
    assert result.cycles < dense.result.cycles
    assert result.nonzero_macs < dense.result.nonzero_macs / 2
    assert result.settings["n"] == 1
    assert abs(result.accuracy_int8 - result.accuracy) < 0.1


def test_target_out_of_reach_is_a_result(run, dense):
    outcome = run(dense.weights, method="crisp", n=1, m=4, block=16, sparsity=0.999)
    assert "`sparsity` 0.999 cannot be reached" in outcome.result.error
    assert outcome.network is None


def test_problem_that_is_not_the_targets_is_no_result(run):
    outcome = run(method="dense", recipe=RECIPE.with_settings(batch_size=5000))
    assert "5000" in outcome.problem
    assert outcome.result is None


@pytest.fixture
def epochs(monkeypatch):
    """Numbers of the epochs that are trained; the one in ``interrupted`` ends as Ctrl-C does."""
    trained, interrupted, train = [], [], FineTuner.train_epoch

    def train_epoch(self, epoch):
        if epoch in interrupted:
            raise KeyboardInterrupt
        trained.append(epoch)
        return train(self, epoch)

    monkeypatch.setattr(FineTuner, "train_epoch", train_epoch)
    return trained, interrupted


CELLS = ({"method": "dense"}, {"method": "crisp", "n": 1, "m": 4, "block": 16, "sparsity": 0.85})


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell["method"])
def test_interrupted_cell_goes_on_where_it_was(cell, run, dense, epochs, tmp_path):
    trained, interrupted = epochs
    state = tmp_path / "cell"
    interrupted.append(1)
    with pytest.raises(KeyboardInterrupt):
        run(dense.weights, state, **cell)
    assert state.is_dir()
    interrupted.clear()
    outcome = run(dense.weights, state, **cell)
    assert trained == [0, 1]
    assert not state.exists()
    whole = run(dense.weights, **cell)
    assert outcome.weights == whole.weights
    assert outcome.result == replace(whole.result, seconds=None)


def test_state_of_other_settings_is_not_used(run, epochs, tmp_path):
    trained, interrupted = epochs
    state = tmp_path / "cell"
    interrupted.append(1)
    with pytest.raises(KeyboardInterrupt):
        run(state=state, method="dense", recipe=RECIPE.with_settings(learning_rate=0.02))
    interrupted.clear()
    outcome = run(state=state, method="dense")
    assert trained == [0, 0, 1]
    assert outcome.problem == ""
    assert not state.exists()


def test_machine_without_the_folder_of_the_results_keeps_no_state(run, epochs, tmp_path):
    epochs[1].append(1)
    with pytest.raises(KeyboardInterrupt):
        run(state=tmp_path / "not shared" / "cell", method="dense")
    assert list(tmp_path.iterdir()) == []
