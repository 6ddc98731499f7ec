"""Runs of random layers: which cases, on which core. The tests, the command line and long runs start here."""

from dataclasses import asdict
from pathlib import Path

from crisp_sim.devices import core_verilog
from crisp_sim.runs.runner import BUILD, Bench
from crisp_spec.config import CoreConfig


def random_layers(
    config: CoreConfig, *, cases: int, first: int = 0, seed: int = 1, size: int = 12, build: Path = BUILD
) -> Bench:
    """Return the bench that runs ``cases`` random layers on a core and demands equal bits and cycles.

    A case depends on ``seed``, ``config``, ``size`` and its number alone, and a failure names the number.
    So a long run can be cut into pieces, go on where it was stopped, or repeat a single case.

    Parameters
    ----------
    first : number of the first case.
    size : largest height and width of an input, not counting the kernel.
    """
    return Bench(
        verilog=core_verilog(config, build),
        top="crisp_core",
        module="crisp_sim.core.bench_random_layers",
        tests=2,
        parameters={"config": asdict(config), "seed": seed, "first": first, "cases": cases, "size": size},
    )
