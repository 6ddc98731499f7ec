"""The sweep: dense cells first, results kept, stopped sweeps resumed, failures named."""

from contextlib import nullcontext

import distributed
import pytest

from crisp_sw.experiment import sweep
from crisp_sw.experiment.cell import Cell
from crisp_sw.experiment.cell_run import CellOutcome, CellTask
from crisp_sw.experiment.errors import ExperimentError
from crisp_sw.experiment.recipe import Recipe
from crisp_sw.experiment.store import ResultStore
from crisp_sw.experiment.sweep import Workers, run_sweep

HERE = Workers(count=1, processes=False)
CELLS = (
    Cell(network="net", classes=2, class_seed=0, method="nm-only", n=1, m=4),
    Cell(network="net", classes=2, class_seed=0, method="dense"),
    Cell(network="net", classes=2, class_seed=0, method="unstructured", sparsity=0.9),
)


@pytest.fixture
def tasks(tmp_path):
    checkpoint = tmp_path / "net.safetensors"
    checkpoint.write_bytes(b"weights")
    return [CellTask(cell=cell, recipe=Recipe(), checkpoint=str(checkpoint), data="images") for cell in CELLS]


@pytest.fixture
def store(tmp_path):
    return ResultStore(tmp_path / "out")


@pytest.fixture
def calls(monkeypatch):
    made = []

    def run(task, dense_weights=None):
        made.append((task.cell.method, dense_weights))
        return CellOutcome(result={"cell": task.cell.to_json(), "accuracy": 0.5}, weights=b"dense")

    monkeypatch.setattr(sweep, "run_cell", run)
    return made


def test_cells_wait_for_the_weights_of_their_dense_network(tasks, store, calls):
    seen = []
    outcome = run_sweep(tasks, store, HERE, on_result=lambda *report: seen.append(report[:2]))
    assert calls[0] == ("dense", None)
    assert sorted(calls[1:]) == [("nm-only", b"dense"), ("unstructured", b"dense")]
    assert [result["cell"]["method"] for result in outcome.results] == ["nm-only", "dense", "unstructured"]
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_only_what_is_missing_runs_with_kept_dense_weights(tasks, store, calls):
    run_sweep(tasks[:2], store, HERE)
    calls.clear()
    outcome = run_sweep(tasks, store, HERE)
    assert calls == [("unstructured", b"dense")]
    assert len(outcome.results) == 3
    calls.clear()
    assert len(run_sweep(tasks, store, HERE).results) == 3
    assert calls == []


def test_without_computing_only_kept_results_come_back(tasks, store, calls):
    run_sweep(tasks[:2], store, HERE)
    calls.clear()
    assert len(run_sweep(tasks, store, HERE, compute=False).results) == 2
    assert calls == []


def test_another_recipe_runs_again(tasks, store, calls):
    from dataclasses import replace

    run_sweep(tasks[:2], store, HERE)
    calls.clear()
    changed = [replace(tasks[0], recipe=Recipe(start="dense")), tasks[1]]
    run_sweep(changed, store, HERE)
    assert calls == [("nm-only", b"dense")]


def test_unforeseen_error_is_named_and_the_others_go_on(tasks, store, monkeypatch):
    def run(task, dense_weights=None):
        if task.cell.method == "unstructured":
            raise ZeroDivisionError("by zero")
        return CellOutcome(result={"cell": task.cell.to_json()}, weights=b"dense")

    monkeypatch.setattr(sweep, "run_cell", run)
    outcome = run_sweep(tasks, store, HERE)
    assert len(outcome.results) == 2
    assert outcome.failures == {"net-c2-s0-unstructured-p90": "ZeroDivisionError: by zero"}


class Ready:
    """A future that has its value, or that was cancelled."""

    def __init__(self, value=None, *, cancelled=False):
        self.value, self.was_cancelled = value, cancelled

    def cancelled(self):
        return self.was_cancelled

    def exception(self):
        return None

    def result(self):
        return self.value


class LosingClient:
    """Runs tasks at once, but loses the one called ``lost``."""

    def __init__(self, lost):
        self.lost = lost

    def submit(self, function, task, *dense, key, **_):
        if key == self.lost:
            return Ready(cancelled=True)
        return Ready(function(task, *[future.value for future in dense]))


def test_cell_that_the_cluster_lost_is_named_and_the_others_stay(tasks, store, calls, monkeypatch):
    lost = CELLS[2].name
    monkeypatch.setattr(sweep, "_client", lambda workers: nullcontext(LosingClient(lost)))
    monkeypatch.setattr(distributed, "as_completed", iter)
    outcome = run_sweep(tasks, store, HERE)
    assert [result["cell"]["method"] for result in outcome.results] == ["nm-only", "dense"]
    assert list(outcome.failures) == [lost]
    assert "run the command again" in outcome.failures[lost]


def test_user_without_a_dense_cell_is_refused(tasks, store):
    with pytest.raises(ExperimentError, match="net-c2-s0-nm-only-1of4 has no dense cell"):
        run_sweep(tasks[:1], store, HERE)


def test_cluster_that_does_not_answer_is_named(tasks, store, calls, monkeypatch):
    monkeypatch.setattr(sweep, "CONNECT_SECONDS", 0.5)
    with pytest.raises(ExperimentError, match=r"no Dask scheduler at 'tcp://127\.0\.0\.1:9'"):
        run_sweep(tasks, store, Workers(cluster="tcp://127.0.0.1:9"))
    assert calls == []
