"""All cells of a grid as Dask tasks, on this machine or a cluster; what is there already is not run again.

Workers compute, this process writes: they need to read checkpoint and data under the same paths, but nothing
else. Where they also have the folder of the results, a cell that was interrupted goes on where it was. Cells
of a user wait for the user's dense network, which they are distilled from.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisp_sw.exchange.checkpoint import find_checkpoint
from crisp_sw.flows.experiment.cells.cell import Cell, ExperimentError
from crisp_sw.flows.experiment.cells.cell_result import CellResult
from crisp_sw.flows.experiment.cells.cell_run import CellOutcome, CellTask, run_cell
from crisp_sw.flows.experiment.dask_workers import Workers, dask_client
from crisp_sw.flows.experiment.results.cell_store import ResultStore

if TYPE_CHECKING:
    from distributed import Client, Future

# Raise it when a change of the code makes results of before different.
RESULT_VERSION = 2
ResultCallback = Callable[[int, int, Cell, CellResult], None]


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Results so far, of those cells that were asked for.

    Attributes
    ----------
    results : in the order of the tasks.
    failures : by name of the cell, why it has no result and is to be run again.
    """

    results: list[CellResult] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


def run_sweep(
    tasks: Sequence[CellTask],
    store: ResultStore,
    workers: Workers,
    *,
    compute: bool = True,
    on_result: ResultCallback = lambda done, total, cell, result: None,
    on_results: Callable[[list[CellResult]], None] = lambda results: None,
    say: Callable[[str], None] = lambda text: None,
) -> Sweep:
    """Run every task that has no result yet, and return all results.

    Parameters
    ----------
    tasks : with the dense task of every user among them.
    compute : False runs nothing and returns the results that are there.
    on_result : called with (cells done, cells in all, cell, result) for every cell that is finished now.
    on_results : called with all results that are there, at first and whenever there is one more.
    say : called with what the user may want to know of the cluster.

    Raises
    ------
    ExperimentError : a user's dense task is missing, Dask is not installed, the cluster cannot be reached, or
        its workers do not have this package.
    """
    plan = _Plan(tasks, store)
    results = {cell: store.read(cell.name, key) for cell, key in plan.keys.items()}
    pending = [task for task in tasks if results[task.cell] is None]
    failures: dict[str, str] = {}

    def so_far() -> list[CellResult]:
        return [result for result in results.values() if result is not None]

    on_results(so_far())
    if pending and compute:
        with store.unfinished(), dask_client(workers, say) as client:
            for cell, outcome in _outcomes(client, pending, plan):
                if outcome.result is None:
                    failures[cell.name] = outcome.problem
                    continue
                results[cell] = result = plan.keep(cell, outcome, outcome.result)
                on_results(so_far())
                on_result(len(so_far()), len(tasks), cell, result)
    return Sweep(results=so_far(), failures=failures)


class _Plan:
    """What each cell depends on, and where its results go."""

    def __init__(self, tasks: Sequence[CellTask], store: ResultStore):
        self.store = store
        self.dense_tasks = {task.cell.user: task for task in tasks if task.cell.is_reference}
        for task in tasks:
            if task.cell.user not in self.dense_tasks:
                raise ExperimentError(f"{task.cell.name} has no dense cell to be compared with; expected one")
        self.keys = {task.cell: dependencies(task, self.dense_tasks[task.cell.user]) for task in tasks}

    def sent(self, task: CellTask) -> CellTask:
        """Return the task together with the place of its state."""
        return replace(task, state=str(self._state(task.cell)))

    def options(self, cell: Cell) -> dict[str, Any]:
        """Return how Dask is to run a cell: by a name that no cell of other settings has on the cluster."""
        return {"key": self._state(cell).name, "retries": 1}

    def dense_weights(self, cell: Cell) -> bytes | None:
        """Weights of a dense cell of an earlier run."""
        return self.store.read_weights(cell.name, self.keys[cell])

    def keep(self, cell: Cell, outcome: CellOutcome, result: CellResult) -> CellResult:
        """Write and return a result; the networks first, because a result says that they are there."""
        key = self.keys[cell]
        if cell.is_reference and outcome.weights is not None:
            self.store.write_weights(cell.name, key, outcome.weights)
        if cell.method == "crisp" and outcome.network is not None:
            self.store.write_network(cell.name, key, outcome.network, result)
        return self.store.write(cell.name, key, result)

    def _state(self, cell: Cell) -> Path:
        return self.store.state(cell.name, self.keys[cell])


def dependencies(task: CellTask, dense: CellTask) -> dict[str, Any]:
    """All that the result of a task depends on, as JSON types; ``dense`` is the dense task of its user."""
    return {
        "version": RESULT_VERSION,
        "cell": task.cell.to_json(),
        "recipe": task.recipe.to_json(),
        "dense_recipe": dense.recipe.to_json(),
        "checkpoint": _digest(task.checkpoint),
        "data": task.data_digest,
        "preset": task.core.identity,
    }


@lru_cache
def _digest(checkpoint: str) -> str:
    return hashlib.sha256(find_checkpoint(checkpoint).read_bytes()).hexdigest()


def _outcomes(
    client: "Client", pending: Sequence[CellTask], plan: _Plan
) -> Iterator[tuple[Cell, CellOutcome]]:
    """Submit everything, dense cells first, and yield outcomes as they come."""
    from distributed import as_completed

    cells: dict[Future, Cell] = {}
    dense: dict[tuple[str, int, int], Any] = {}
    waiting = {task.cell for task in pending}
    for user in dict.fromkeys(task.cell.user for task in pending):
        task = plan.dense_tasks[user]
        weights = None if task.cell in waiting else plan.dense_weights(task.cell)
        if weights is None:
            dense[user] = client.submit(_run_dense, plan.sent(task), priority=1, **plan.options(task.cell))
            cells[dense[user]] = task.cell
        else:
            dense[user] = client.scatter(CellOutcome(weights=weights), hash=False)
    for task in pending:
        if not task.cell.is_reference:
            after = dense[task.cell.user]
            future = client.submit(_run_after_dense, plan.sent(task), after, **plan.options(task.cell))
            cells[future] = task.cell
    for future in as_completed(list(cells)):
        yield cells[future], _outcome(future)


def _outcome(future: "Future") -> CellOutcome:
    if future.cancelled():
        return CellOutcome(problem="the worker that held its dense network was lost; run the command again")
    error = future.exception()
    return CellOutcome(problem=f"{type(error).__name__}: {error}") if error else future.result()


def _run_dense(task: CellTask) -> CellOutcome:
    return run_cell(task)


def _run_after_dense(task: CellTask, dense: CellOutcome) -> CellOutcome:
    if dense.problem:
        return CellOutcome(problem=f"its dense network failed: {dense.problem}")
    return replace(run_cell(task, dense.weights), weights=None)
