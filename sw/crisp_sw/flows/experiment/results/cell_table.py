"""The results of a sweep as a table: one row per cell, written as CSV, and summed up over seeds."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from crisp_files.atomic_files import new_file
from crisp_files.documents import Document
from crisp_files.json_values import known
from crisp_sw.flows.experiment.cells.cell_result import CellResult, RtlCheck
from crisp_sw.results.speedup import reduction


@dataclass(frozen=True, kw_only=True)
class Row:
    """A cell, or the mean of several that differ in the seed of the classes alone.

    Attributes
    ----------
    network, classes, class_seed, method, variant, n, m, block : as of the cell; no seed of a mean.
    target : share of the prunable weights that was to go.
    sparsity, model_sparsity : shares that went, of the prunable weights and of those of all layers.
    accuracy_before : of a dense cell, before fine-tuning.
    accuracy : of the float model.
    loss_to_dense : accuracy that the user's dense network has more, in points of 0.01.
    accuracy_int8 : of the integer network.
    bytes_packed : of its weights, with their indices.
    nonzero_macs : multiplications for an image whose weight is not zero.
    cycles : predicted, layer by layer.
    speedup_to_dense : cycles of the user's fine-tuned dense network, which has some zeros by itself, over
        those of the cell; not what other reports call speedup, see `crisp_sw.results.speedup`.
    seconds : that it took.
    error : why its target cannot be reached.
    loss_error : of a mean: standard error of ``loss_to_dense``, None for less than two.
    seeds : of a mean: how many of them have a result.
    """

    network: str
    classes: int
    class_seed: int | None
    method: str
    variant: str
    n: int | None
    m: int | None
    block: int | None
    target: float | None
    sparsity: float | None = None
    model_sparsity: float | None = None
    accuracy_before: float | None = None
    accuracy: float | None = None
    loss_to_dense: float | None = None
    accuracy_int8: float | None = None
    bytes_packed: float | None = None
    nonzero_macs: float | None = None
    cycles: float | None = None
    speedup_to_dense: float | None = None
    seconds: float | None = None
    error: str | None = None
    loss_error: float | None = known()
    seeds: int | None = known()

    @property
    def without_seed(self) -> "Row":
        """What rows have in common that a mean is taken of."""
        settings: dict[str, Any] = {name: getattr(self, name) for name in _SETTINGS}
        return Row(**settings, class_seed=None)


COLUMNS = tuple(field.name for field in fields(Row) if field.name not in ("loss_error", "seeds"))
_SETTINGS = tuple(name for name in COLUMNS[: COLUMNS.index("sparsity")] if name != "class_seed")
_AVERAGED = COLUMNS[COLUMNS.index("sparsity") : COLUMNS.index("error")]


@dataclass(frozen=True, kw_only=True)
class AccuracyTable(Document, schema="crisp-accuracy", version=1):
    """The results of a sweep.

    Attributes
    ----------
    rows : of all cells that have a result.
    failures : by name of the cell, why it has none and is to be run again.
    rtl : what came of images on the RTL, if any ran there.
    """

    rows: tuple[Row, ...]
    failures: dict[str, str]
    rtl: RtlCheck | None = known()


def table_rows(results: Iterable[CellResult]) -> list[Row]:
    """Return a row for each result, compared with the dense network of its user."""
    results = list(results)
    references = {result.cell.user: result for result in results if result.cell.is_reference}
    return [_row(result, references.get(result.cell.user)) for result in results]


def average_rows(rows: Iterable[Row]) -> list[Row]:
    """Average the rows that differ in the seed of the classes alone."""
    groups: dict[Row, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.without_seed, []).append(row)
    return [
        replace(
            settings,
            **{name: _mean([getattr(row, name) for row in group]) for name in _AVERAGED},
            loss_error=_standard_error([row.loss_to_dense for row in group]),
            seeds=sum(row.accuracy is not None for row in group),
            error=next((row.error for row in group if row.error), None),
        )
        for settings, group in groups.items()
    ]


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write rows with a heading, by way of a temporary name; what a row does not have stays empty."""
    with new_file(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([_rounded(getattr(row, name)) for name in COLUMNS] for row in rows)


def _row(result: CellResult, dense: CellResult | None) -> Row:
    cell = result.cell
    loss = speedup = None
    if dense is not None and dense.accuracy is not None and result.accuracy is not None:
        loss = 100 * (dense.accuracy - result.accuracy)
    if dense is not None and dense.cycles and result.cycles:
        speedup = reduction(dense.cycles, result.cycles)
    return Row(
        network=cell.network,
        classes=cell.classes,
        class_seed=cell.class_seed,
        method=cell.method,
        variant=cell.variant,
        n=cell.n,
        m=cell.m,
        block=cell.block,
        target=cell.sparsity,
        sparsity=result.sparsity,
        model_sparsity=result.model_sparsity,
        accuracy_before=result.accuracy_before,
        accuracy=result.accuracy,
        loss_to_dense=loss,
        accuracy_int8=result.accuracy_int8,
        bytes_packed=result.bytes_packed,
        nonzero_macs=result.nonzero_macs,
        cycles=result.cycles,
        speedup_to_dense=speedup,
        seconds=result.seconds,
        error=result.error,
    )


def _mean(values: list[Any]) -> float | None:
    present = [value for value in values if value is not None]
    return fmean(present) if present else None


def _standard_error(values: list[Any]) -> float | None:
    present = [value for value in values if value is not None]
    return stdev(present) / sqrt(len(present)) if len(present) > 1 else None


def _rounded(value: Any) -> Any:
    return round(value, 5) if isinstance(value, float) else value
