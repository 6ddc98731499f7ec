"""Runs benchmarks, prints a table, and writes ``build/bench/report.json``.

``python -m benchmarks`` runs all of them, ``python -m benchmarks NAME...`` those of these names. The exit
status is 0 if every figure reaches its target, 1 if one does not, and 2 for a name that there is not.
"""

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.accelerator_efficiency import accelerator_efficiency
from benchmarks.array_efficiency import array_efficiency
from benchmarks.figure import Figure
from benchmarks.mask_construction import mask_construction
from benchmarks.network_speed import network_speed
from benchmarks.pruning_epoch import pruning_epoch
from benchmarks.scale_sim_comparison import scale_sim_comparison
from benchmarks.simulation_speed import simulation_speed
from benchmarks.training_precision import training_precision
from crisp_sim.runs.runner import BUILD
from crisp_spec.errors import CrispError

BENCHMARKS = {
    "simulation speed": simulation_speed,
    "array efficiency": array_efficiency,
    "accelerator efficiency": accelerator_efficiency,
    "network speed": network_speed,
    "SCALE-Sim": scale_sim_comparison,
    "mask construction": mask_construction,
    "pruning epoch": pruning_epoch,
    "training precision": training_precision,
}
SEED = 1


def main() -> int:
    """Run the chosen benchmarks; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure figures.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(map(repr, BENCHMARKS)))
    names = parser.parse_args().names or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; expected one of {', '.join(map(repr, BENCHMARKS))}")
    console = Console()
    results: dict[str, list[Figure]] = {}
    try:
        for name in names:
            console.print(f"{name} ...")
            results[name] = BENCHMARKS[name](SEED)
    except CrispError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    console.print(as_table(results))
    report = write_report(results, BUILD / "bench" / "report.json")
    console.print(f"written to {report}", soft_wrap=True)
    return 0 if all(figure.reached for figures in results.values() for figure in figures) else 1


def as_table(results: dict[str, list[Figure]]) -> Table:
    """Every figure in one row, with its target."""
    table = Table("benchmark", "figure", "value", "target", "")
    for name, figures in results.items():
        for figure in figures:
            bound = "at most " if figure.at_most else ""
            target = "" if figure.target is None else f"{bound}{figure.target:,g} {figure.unit}"
            verdict = "" if figure.target is None else "reached" if figure.reached else "missed"
            table.add_row(name, figure.name, f"{figure.value:,.4g} {figure.unit}", target, verdict)
    return table


def write_report(results: dict[str, list[Figure]], path: Path) -> Path:
    """Write the figures as JSON under a temporary name, and rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    fields = {name: [asdict(figure) for figure in figures] for name, figures in results.items()}
    partial.write_text(json.dumps(fields, indent=1) + "\n")
    os.replace(partial, path)
    return path


if __name__ == "__main__":
    sys.exit(main())
