"""The sweep: dense cells first, results kept, stopped sweeps resumed, failures named."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import distributed
import pytest

from crisp_spec.config import named_preset
from crisp_sw.flows.experiment import sweep
from crisp_sw.flows.experiment.cells.cell import Cell, ExperimentError
from crisp_sw.flows.experiment.cells.cell_result import CellResult
from crisp_sw.flows.experiment.cells.cell_run import CellOutcome, CellTask
from crisp_sw.flows.experiment.cells.recipe import Recipe
from crisp_sw.flows.experiment.dask_workers import Workers
from crisp_sw.flows.experiment.results.cell_store import ResultStore
from crisp_sw.flows.experiment.sweep import run_sweep

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
    return [
        CellTask(cell=cell, recipe=Recipe(), checkpoint=str(checkpoint), data="images", data_digest="a1b2")
        for cell in CELLS
    ]


@pytest.fixture
def store(tmp_path):
    return ResultStore(tmp_path / "out")


@pytest.fixture
def calls(monkeypatch):
    made = []

    def run(task, dense_weights=None):
        made.append((task.cell.method, dense_weights))
        return CellOutcome(result=CellResult(cell=task.cell, accuracy=0.5), weights=b"dense")

    monkeypatch.setattr(sweep, "run_cell", run)
    return made


def test_cells_wait_for_the_weights_of_their_dense_network(tasks, store, calls):
    seen = []
    outcome = run_sweep(tasks, store, HERE, on_result=lambda *report: seen.append(report[:2]))
    assert calls[0] == ("dense", None)
    assert sorted(calls[1:]) == [("nm-only", b"dense"), ("unstructured", b"dense")]
    assert [result.cell.method for result in outcome.results] == ["nm-only", "dense", "unstructured"]
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_variant_of_the_dense_network_is_not_what_others_are_distilled_from(tasks, store, calls):
    variant = replace(tasks[1], cell=replace(tasks[1].cell, variant="long"))
    run_sweep([variant, *tasks], store, HERE)
    assert calls[0] == ("dense", None)
    assert sorted(calls[1:]) == [("dense", b"dense"), ("nm-only", b"dense"), ("unstructured", b"dense")]
    assert [file.name.split(".")[0] for file in (store.folder / "weights").iterdir()] == ["net-c2-s0-dense"]


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
    run_sweep(tasks[:2], store, HERE)
    calls.clear()
    changed = [replace(tasks[0], recipe=Recipe(start="dense")), tasks[1]]
    run_sweep(changed, store, HERE)
    assert calls == [("nm-only", b"dense")]


def test_other_data_of_the_same_name_run_again(tasks, store, calls):
    run_sweep(tasks, store, HERE)
    calls.clear()
    moved = [replace(task, data="elsewhere/images") for task in tasks]
    run_sweep(moved, store, HERE)
    assert calls == []
    run_sweep([replace(task, data_digest="c3d4") for task in tasks], store, HERE)
    assert len(calls) == len(tasks)


def test_results_so_far_are_given_at_first_and_after_every_cell(tasks, store, calls):
    run_sweep(tasks[:2], store, HERE)
    seen = []
    run_sweep(tasks, store, HERE, on_results=lambda results: seen.append(len(results)))
    assert seen == [2, 3]


def test_cells_under_way_have_a_place_for_their_state_each(tasks, store, monkeypatch):
    places = []

    def run(task, dense_weights=None):
        places.append(Path(task.state))
        assert places[-1].parent.is_dir()
        if task.cell.method == "unstructured":
            places[-1].mkdir()
        return CellOutcome(result=CellResult(cell=task.cell), weights=b"dense")

    monkeypatch.setattr(sweep, "run_cell", run)
    run_sweep(tasks, store, HERE)
    assert len(set(places)) == len(tasks)
    (left,) = places[0].parent.iterdir()
    assert left in places
    left.rmdir()
    run_sweep([replace(task, core=named_preset("tiny")) for task in tasks[:2]], store, HERE)
    assert not places[0].parent.exists()
    assert not {*places[:3]} & {*places[3:]}


def test_unforeseen_error_is_named_and_the_others_go_on(tasks, store, monkeypatch):
    def run(task, dense_weights=None):
        if task.cell.method == "unstructured":
            raise ZeroDivisionError("by zero")
        return CellOutcome(result=CellResult(cell=task.cell), weights=b"dense")

    monkeypatch.setattr(sweep, "run_cell", run)
    outcome = run_sweep(tasks, store, HERE)
    assert len(outcome.results) == 2
    assert outcome.failures == {"net-c2-s0-unstructured-p90": "ZeroDivisionError: by zero"}


def test_problem_is_no_result_and_cells_after_a_dense_one_with_a_problem_have_it_too(
    tasks, store, monkeypatch, calls
):
    with monkeypatch.context() as patch:
        patch.setattr(sweep, "run_cell", lambda task: CellOutcome(problem="too few samples"))
        outcome = run_sweep(tasks, store, HERE)
    assert outcome.results == []
    assert outcome.failures == {
        CELLS[1].name: "too few samples",
        CELLS[0].name: "its dense network failed: too few samples",
        CELLS[2].name: "its dense network failed: too few samples",
    }
    run_sweep(tasks, store, HERE)
    assert len(calls) == len(tasks)


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
    """Runs tasks at once, but loses the one of the cell called ``lost``."""

    def __init__(self, lost):
        self.lost, self.keys = lost, []

    def submit(self, function, task, *dense, key, **_):
        self.keys.append(key)
        if task.cell.name == self.lost:
            return Ready(cancelled=True)
        return Ready(function(task, *[future.value for future in dense]))


def test_cell_that_the_cluster_lost_is_named_and_the_others_stay(tasks, store, calls, monkeypatch):
    lost = CELLS[2].name
    monkeypatch.setattr(sweep, "dask_client", lambda *_: nullcontext(LosingClient(lost)))
    monkeypatch.setattr(distributed, "as_completed", iter)
    outcome = run_sweep(tasks, store, HERE)
    assert [result.cell.method for result in outcome.results] == ["nm-only", "dense"]
    assert list(outcome.failures) == [lost]
    assert "run the command again" in outcome.failures[lost]


def test_clients_of_one_cluster_with_other_settings_share_no_task(tasks, store, calls, monkeypatch):
    client = LosingClient(lost="")
    monkeypatch.setattr(sweep, "dask_client", lambda *_: nullcontext(client))
    monkeypatch.setattr(distributed, "as_completed", iter)
    run_sweep(tasks, store, HERE)
    run_sweep([replace(task, data_digest="c3d4") for task in tasks], store, HERE)
    assert len(set(client.keys)) == len(client.keys) == 2 * len(tasks)


def test_user_without_a_dense_cell_is_refused(tasks, store):
    with pytest.raises(ExperimentError, match="net-c2-s0-nm-only-1of4 has no dense cell"):
        run_sweep(tasks[:1], store, HERE)
