"""The experiment on a real Dask cluster, given by its address; the worker is a process in another folder."""

from dataclasses import replace
from pathlib import Path

import pytest
from distributed import Client, LocalCluster

from crisp_spec.config import named_preset
from crisp_sw.flows.experiment.cells.cell import ExperimentError
from crisp_sw.flows.experiment.cells.cell_run import CellTask, run_cell
from crisp_sw.flows.experiment.dask_workers import Workers
from crisp_sw.flows.experiment.experiment import run_experiment
from crisp_sw.flows.experiment.results.cell_store import ResultStore

from .test_experiment import GRID, RECIPE, settings

__all__ = ["settings"]


@pytest.fixture(scope="module")
def address():
    options = {"threads_per_worker": 1, "memory_limit": None, "dashboard_address": None}
    cluster = LocalCluster(n_workers=1, processes=True, **options)
    yield cluster.scheduler_address
    cluster.close()


def test_worker_of_a_cluster_runs_the_grid(address, settings, monkeypatch):
    assert address.startswith("tcp://")
    checkpoint = Path(settings.grid.networks[0])
    monkeypatch.chdir(checkpoint.parent)
    settings = replace(
        settings,
        grid=replace(settings.grid, networks=(checkpoint.name,)),
        workers=Workers(cluster=address),
    )
    sweep = run_experiment(settings)
    assert sweep.failures == {}
    assert [result.cell for result in sweep.results] == GRID.cells(["model"])
    assert len((settings.out / "headline.csv").read_text().splitlines()) == 3
    crisp = sweep.results[1]
    assert ResultStore(settings.out).network(GRID.cells(["model"])[1].name, crisp.depends_on or {}).is_dir()
    assert not (settings.out / "unfinished").exists()
    dense = CellTask(
        cell=GRID.cells(["model"])[0],
        recipe=RECIPE,
        checkpoint=str(checkpoint),
        data="digits",
        data_digest="",
        core=named_preset("tiny"),
    )
    kept, again = sweep.results[0], run_cell(dense).result
    assert again is not None
    assert kept == replace(again, seconds=kept.seconds, depends_on=kept.depends_on)
    with Client(address) as client:
        assert len(client.scheduler_info()["workers"]) == 1


def test_worker_without_the_package_is_refused_before_it_gets_a_task(address, settings):
    missing = "import sys; sys.modules['crisp_sw.flows.experiment.sweep'] = None"
    with Client(address) as client:
        client.run(exec, missing)
    with pytest.raises(ExperimentError, match="a worker of the cluster cannot import crisp_sw"):
        run_experiment(replace(settings, workers=Workers(cluster=address)))
