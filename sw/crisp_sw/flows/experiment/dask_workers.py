"""Who computes: workers on this machine, or those of a Dask cluster that is given by its address."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from crisp_sw.flows.experiment.cells.cell import ExperimentError
from crisp_sw.optional_packages import require_packages

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 10.0
WORK = "crisp_sw.flows.experiment.sweep"


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Who computes.

    Attributes
    ----------
    cluster : address of a Dask scheduler; None starts workers on this machine.
    count : of those; each a process with one task at a time.
    processes : False runs everything in this process, for tests.
    """

    cluster: str | None = None
    count: int = 2
    processes: bool = True


def require_workers(workers: Workers, say: Callable[[str], None]) -> None:
    """Check that a sweep can be computed, without starting anything.

    Raises
    ------
    CrispError : Dask is not installed, the cluster cannot be reached, or its workers lack this package.
    """
    _require_dask()
    if workers.cluster is not None:
        with dask_client(workers, say):
            pass


@contextmanager
def dask_client(workers: Workers, say: Callable[[str], None]) -> Iterator["Client"]:
    """Connect to the cluster, or start workers here, as long as the block runs.

    Parameters
    ----------
    say : called if the cluster has no worker yet.

    Raises
    ------
    CrispError : Dask is not installed, the cluster cannot be reached, or its workers lack this package.
    """
    _require_dask()
    from distributed import Client, LocalCluster

    if workers.cluster is not None:
        try:
            client = Client(workers.cluster, timeout=CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            raise ExperimentError(
                f"no Dask scheduler at {workers.cluster!r} ({error}); expected an address such as tcp://host:8786"
            ) from error
        with client:
            if not client.scheduler_info()["workers"]:
                say(f"no worker at {workers.cluster} yet; cells start as soon as there is one")
            _require_package(client)
            yield client
        return
    options = {
        "threads_per_worker": 1,
        "memory_limit": None,
        "dashboard_address": None,
        # What is served by HTTP all the same: on any free port, so that two sweeps do not meet.
        "scheduler_kwargs": {"dashboard_address": "127.0.0.1:0"},
    }
    with (
        LocalCluster(n_workers=workers.count, processes=workers.processes, **options) as cluster,
        Client(cluster) as client,
    ):
        yield client


def _require_dask() -> None:
    require_packages("dask", "distributed", purpose="the sweep", extra="sweep")


def _require_package(client: "Client") -> None:
    """Refuse workers without this package: its tasks would end them, and the sweep would wait for ever."""
    try:
        client.run(import_module, WORK)
    except ImportError as error:
        raise ExperimentError(
            f"a worker of the cluster cannot import {WORK} ({error}); expected crisp-stc on every worker"
        ) from error
