"""Rows, averages over seeds, CSV."""

import csv

import pytest

from crisp_sw.flows.experiment.cells.cell import Cell
from crisp_sw.flows.experiment.cells.cell_result import CellResult
from crisp_sw.flows.experiment.results.cell_table import COLUMNS, average_rows, table_rows, write_csv


def result(seed, method, accuracy, cycles, **settings):
    cell = Cell(network="net", classes=10, class_seed=seed, method=method, **settings)
    return CellResult(cell=cell, accuracy=accuracy, cycles=cycles, sparsity=0.9)


PATTERN = {"n": 1, "m": 4, "block": 16, "sparsity": 0.9}


def results():
    return [
        result(0, "crisp", 0.70, 100, **PATTERN),
        result(0, "dense", 0.75, 1000),
        result(1, "dense", 0.80, 1000),
        result(1, "crisp", 0.79, 300, **PATTERN),
    ]


def test_rows_compare_with_the_dense_network_of_the_same_user():
    rows = table_rows(results())
    assert [round(row.loss_to_dense or 0, 6) for row in rows] == [5, 0, 0, 1]
    assert rows[0].speedup_to_dense == 10
    assert rows[0].target == 0.9


def test_variant_of_the_dense_network_is_compared_with_it():
    rows = table_rows([*results(), result(0, "dense", 0.76, 1000, variant="long")])
    assert [round(row.loss_to_dense or 0, 6) for row in rows] == [5, 0, 0, 1, -1]


def test_failed_cell_keeps_its_message():
    cell = Cell(network="net", classes=10, class_seed=0, method="crisp", **PATTERN)
    (row,) = table_rows([CellResult(cell=cell, error="cannot be reached")])
    assert row.error == "cannot be reached"
    assert row.accuracy is None
    assert average_rows([row])[0].error == "cannot be reached"


def test_seeds_are_averaged():
    crisp, dense = average_rows(table_rows(results()))
    assert (crisp.seeds, crisp.accuracy, crisp.cycles) == (2, 0.745, 200)
    assert dense.accuracy == 0.775
    assert crisp.loss_error == pytest.approx(2)
    assert average_rows(table_rows(results()[:2]))[0].loss_error is None


def test_csv_has_every_column(tmp_path):
    write_csv(tmp_path / "new" / "table.csv", table_rows(results()))
    with (tmp_path / "new" / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 4
    assert (rows[1]["n"], rows[0]["n"], rows[0]["accuracy"]) == ("", "1", "0.7")
