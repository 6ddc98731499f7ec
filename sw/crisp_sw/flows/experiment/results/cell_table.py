"""The results of a sweep as a table: one row per cell, written as CSV, and summed up over seeds."""

import csv
from collections.abc import Iterable, Sequence
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from crisp_files.atomic_files import new_file
from crisp_sw.flows.experiment.cells.cell import Cell

COLUMNS = (
    "network",
    "classes",
    "class_seed",
    "method",
    "variant",
    "n",
    "m",
    "block",
    "target",
    "sparsity",
    "model_sparsity",
    "accuracy_before",
    "accuracy",
    "loss_to_dense",
    "accuracy_int8",
    "bytes_packed",
    "nonzero_macs",
    "cycles",
    "speedup",
    "seconds",
    "error",
)
_GROUP = ("network", "classes", "method", "variant", "n", "m", "block", "target")
_AVERAGED = COLUMNS[COLUMNS.index("sparsity") : COLUMNS.index("error")]
Row = dict[str, Any]


def table_rows(results: Iterable[dict[str, Any]]) -> list[Row]:
    """Return a row for each result: accuracies from 0 to 1, ``loss_to_dense`` in points of 0.01.

    ``speedup`` is the predicted cycles of the user's dense network over those of the cell.
    """
    cells = [(Cell(**result["cell"]), result) for result in results]
    references = {cell.user: result for cell, result in cells if cell.is_reference}
    return [_row(result, references.get(cell.user, {})) for cell, result in cells]


def average_rows(rows: Iterable[Row]) -> list[Row]:
    """Average the rows that differ in the seed of the classes alone.

    ``seeds`` says how many of them have a result; ``loss_error`` is the standard error of ``loss_to_dense``,
    None for less than two.
    """
    groups: dict[tuple, list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in _GROUP), []).append(row)
    return [
        {
            **dict(zip(_GROUP, key, strict=True)),
            **{name: _mean([row[name] for row in group]) for name in _AVERAGED},
            "loss_error": _standard_error([row["loss_to_dense"] for row in group]),
            "seeds": sum(row["accuracy"] is not None for row in group),
            "error": next((row["error"] for row in group if row["error"]), None),
        }
        for key, group in groups.items()
    ]


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write rows with a heading, by way of a temporary name; what a row does not have stays empty."""
    with new_file(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([_rounded(row[name]) for name in COLUMNS] for row in rows)


def _row(result: dict[str, Any], dense: dict[str, Any]) -> Row:
    row: Row = dict.fromkeys(COLUMNS)
    row |= {name: value for name, value in result["cell"].items() if name != "sparsity"}
    row |= {name: value for name, value in result.items() if name in COLUMNS}
    row["target"] = result["cell"]["sparsity"]
    if "accuracy" in result and "accuracy" in dense:
        row["loss_to_dense"] = 100 * (dense["accuracy"] - result["accuracy"])
    if result.get("cycles") and dense.get("cycles"):
        row["speedup"] = dense["cycles"] / result["cycles"]
    return row


def _mean(values: list[Any]) -> float | None:
    present = [value for value in values if value is not None]
    return fmean(present) if present else None


def _standard_error(values: list[Any]) -> float | None:
    present = [value for value in values if value is not None]
    return stdev(present) / sqrt(len(present)) if len(present) > 1 else None


def _rounded(value: Any) -> Any:
    return round(value, 5) if isinstance(value, float) else value
