"""Whole cells on digits: figures of a dense and a pruned network, and a target out of reach."""

import pytest
from safetensors.torch import load

from crisp_sw.experiment.cell import Cell
from crisp_sw.experiment.cell_run import CellTask, run_cell
from crisp_sw.experiment.recipe import Recipe

RECIPE = Recipe(settings={"iterations": 1, "final_epochs": 1, "batch_size": 64, "learning_rate": 0.01})
USER = {"network": "model", "classes": 3, "class_seed": 0}


@pytest.fixture(scope="module")
def run(digits_checkpoint):
    def run_it(dense_weights=None, **cell):
        task = CellTask(
            cell=Cell(**USER, **cell), recipe=RECIPE, checkpoint=str(digits_checkpoint), data="digits"
        )
        return run_cell(task, dense_weights)

    return run_it


@pytest.fixture(scope="module")
def dense(run):
    return run(method="dense")


def test_dense_cell_has_figures_and_weights(dense):
    result = dense.result
    assert result["accuracy"] > 0.8
    assert result["accuracy_before"] > 0.8
    assert result["sparsity"] == 0
    assert result["nonzero_macs"] <= result["macs"]
    assert len(result["class_names"]) == 3
    assert "linear.weight" in load(dense.weights)
    assert dense.network is not None


def test_pruned_cell_is_smaller_and_faster(run, dense):
    outcome = run(dense.weights, method="crisp", n=1, m=4, block=16, sparsity=0.85)
    result = outcome.result
    assert 0.85 <= result["sparsity"] < 0.95
    assert result["bytes_packed"] < dense.result["bytes_packed"] / 2
    assert result["cycles"] < dense.result["cycles"]
    assert result["nonzero_macs"] < dense.result["nonzero_macs"] / 2
    assert result["settings"]["n"] == 1
    assert abs(result["accuracy_int8"] - result["accuracy"]) < 0.1


def test_target_out_of_reach_is_a_result(run, dense):
    outcome = run(dense.weights, method="crisp", n=1, m=4, block=16, sparsity=0.999)
    assert "`sparsity` 0.999 cannot be reached" in outcome.result["error"]
    assert outcome.network is None
