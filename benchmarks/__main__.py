"""Runs all benchmarks, prints a table, and writes ``build/bench/report.json``.

The exit status is 0 if every figure reaches its target, 1 if one does not.
"""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.array_efficiency import array_efficiency
from benchmarks.figure import Figure
from benchmarks.mask_construction import mask_construction
from benchmarks.pruning_epoch import pruning_epoch
from benchmarks.simulation_speed import simulation_speed
from cocotb_tests.runner import BUILD
from crisp_golden.errors import CrispError

BENCHMARKS = {
    "simulation speed": simulation_speed,
    "array efficiency": array_efficiency,
    "mask construction": mask_construction,
    "pruning epoch": pruning_epoch,
}
SEED = 1


def main() -> int:
    """Run the benchmarks; return the exit status."""
    console = Console()
    results: dict[str, list[Figure]] = {}
    try:
        for name, benchmark in BENCHMARKS.items():
            console.print(f"{name} ...")
            results[name] = benchmark(SEED)
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
