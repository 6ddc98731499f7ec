"""The page of results: the rows of every cell and of their means, as Markdown that can be kept."""

from dataclasses import replace

from crisp_sw.flows.experiment.cells.cell import Cell
from crisp_sw.flows.experiment.cells.cell_result import CellResult
from crisp_sw.flows.experiment.results.cell_table import table_rows
from crisp_sw.flows.experiment.results.results_page import results_page, write_page

from .test_cell_table import PATTERN, result

DENSE = {
    "sparsity": 0.0,
    "accuracy_before": 0.73,
    "accuracy_int8": 0.752,
    "bytes_packed": 2_793_824,
    "nonzero_macs": 34_826_752,
}
CRISP = {"accuracy_int8": 0.69, "bytes_packed": 283_314, "nonzero_macs": 5_900_000}


def results():
    return [
        replace(result(0, "dense", 0.75, 240_728), **DENSE),
        replace(result(0, "crisp", 0.70, 34_286, **PATTERN), **CRISP),
        replace(result(1, "dense", 0.80, 240_728), **DENSE),
        replace(result(1, "crisp", 0.79, 34_286, **PATTERN), **CRISP),
    ]


def lines(results):
    return results_page("Accuracy: headline", table_rows(results)).splitlines()


def test_rows_are_those_of_the_documentation():
    page = lines(results())
    assert page[:5] == [
        "# Accuracy: headline",
        "",
        "## net, 10 classes",
        "",
        "| seed | cell | sparsity | accuracy | lost against dense | int8 | bytes | non-zero MACs | cycles |",
    ]
    assert page[6] == (
        "| 0 | dense, fine-tuned | 0.0% | 75.0% (73.0% before) |  | 75.2% "
        "| 2,793,824 | 34.8 million | 240,728 |"
    )
    assert page[7] == (
        "| 0 | CRISP 1:4 | 90.0% | 70.0% | 5.0 points | 69.0% | 283,314 | 5.9 million | 34,286 (7.0x) |"
    )


def test_variant_of_the_dense_network_is_compared_with_it():
    page = lines([*results(), replace(result(0, "dense", 0.76, 240_728, variant="long"), **DENSE)])
    (mean,) = [line for line in page if line.startswith("| dense, fine-tuned, long")]
    assert "| -1.0 points |" in mean


def test_means_have_the_standard_error_of_the_difference():
    (mean,) = [line for line in lines(results()) if line.startswith("| CRISP")]
    assert mean == (
        "| CRISP 1:4 | 2 | 90.0% | 74.5% | 3.0 ± 2.0 points | 69.0% | 283,314 | 5.9 million | 34,286 (7.0x) |"
    )


def test_one_seed_has_no_means():
    page = lines(results()[:2])
    assert not [line for line in page if line.startswith(("Means", "| CRISP"))]
    assert len(page) == 8


def test_cells_that_differ_are_called_different():
    cells = [
        {**PATTERN, "block": 8},
        {**PATTERN, "sparsity": 0.925},
        {**PATTERN, "variant": "short"},
    ]
    rows = [result(0, "crisp", 0.7, 1, **settings) for settings in [PATTERN, *cells]]
    names = [line.split(" | ")[1] for line in lines(rows) if line.startswith("| 0")]
    assert names == [
        "CRISP 1:4, B = 16, to 90%",
        "CRISP 1:4, B = 8, to 90%",
        "CRISP 1:4, B = 16, to 92.5%",
        "CRISP 1:4, B = 16, to 90%, short",
    ]


def test_every_network_and_number_of_classes_has_its_tables(tmp_path):
    other = result(0, "nm-only", 0.7, 1, n=1, m=4)
    other = replace(other, cell=replace(other.cell, network="other", classes=1))
    write_page(tmp_path / "page.md", "Accuracy", table_rows([*results(), other]))
    headings = [line for line in (tmp_path / "page.md").read_text().splitlines() if line.startswith("## ")]
    assert headings == ["## net, 10 classes", "## other, 1 class"]


def test_unreachable_target_is_told_with_its_reason():
    cell = Cell(network="net", classes=10, class_seed=0, method="crisp", **PATTERN)
    page = lines([CellResult(cell=cell, error="cannot be reached")])
    assert "| 0 | CRISP 1:4 | - | - | - | - | - | - | - |" in page
    assert "- CRISP 1:4: cannot be reached" in page
