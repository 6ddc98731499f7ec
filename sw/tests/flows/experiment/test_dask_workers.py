"""Connections: none that disturb another, none to nowhere, none that waits without a word."""

import distributed
import pytest

from crisp_sw.flows.experiment import dask_workers
from crisp_sw.flows.experiment.cells.cell import ExperimentError
from crisp_sw.flows.experiment.dask_workers import Workers, dask_client

HERE = Workers(count=1, processes=False)


@pytest.mark.filterwarnings("error")
def test_two_sweeps_at_once_do_not_meet():
    with dask_client(HERE, print) as first, dask_client(HERE, print) as second:
        assert (first.submit(str, 1).result(), second.submit(str, 2).result()) == ("1", "2")


def test_cluster_without_workers_is_said():
    said = []
    cluster = distributed.LocalCluster(n_workers=0, processes=False, dashboard_address="127.0.0.1:0")
    address = cluster.scheduler_address
    with cluster, dask_client(Workers(cluster=address), said.append):
        pass
    assert said == [f"no worker at {address} yet; cells start as soon as there is one"]


def test_cluster_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setattr(dask_workers, "CONNECT_SECONDS", 0.5)
    nowhere = dask_client(Workers(cluster="tcp://127.0.0.1:9"), print)
    with pytest.raises(ExperimentError, match=r"no Dask scheduler at 'tcp://127\.0\.0\.1:9'"), nowhere:
        pass
