"""Rows of a whole grid as a sweep would give them, with made figures, for tests of plots."""

from crisp_sw.flows.experiment.cells.cell_result import CellResult
from crisp_sw.flows.experiment.cells.grid import Grid
from crisp_sw.flows.experiment.results.cell_table import Row, average_rows, table_rows


def made_rows(grid: Grid) -> list[Row]:
    """Averages of every cell: what is pruned more, or later in the grid, is faster and less accurate."""
    results = [
        CellResult(
            cell=cell, accuracy=0.8 - 0.0001 * place, sparsity=cell.sparsity or 0.0, cycles=2000 - place
        )
        for place, cell in enumerate(grid.cells(["net"]))
    ]
    return average_rows(table_rows(results))
