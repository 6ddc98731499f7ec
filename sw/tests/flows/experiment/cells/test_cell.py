"""Cells: which settings a method has, and names."""

import pytest

from crisp_sw.flows.experiment.cells.cell import METHODS, Cell, ExperimentError

USER = {"network": "net", "classes": 10, "class_seed": 2}


def test_name_says_everything():
    cell = Cell(**USER, method="crisp", n=1, m=4, block=16, sparsity=0.92, variant="short")
    assert cell.name == "net-c10-s2-crisp-1of4-b16-p92-short"
    assert Cell(**USER, method="dense").name == "net-c10-s2-dense"
    assert cell.user == ("net", 10, 2)


def test_json_makes_the_cell_again():
    cell = Cell(**USER, method="block-only", block=8, sparsity=0.9)
    assert Cell(**cell.to_json()) == cell


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "best"}, f"no method 'best'; expected one of {', '.join(METHODS)}"),
        ({"method": "dense", "sparsity": 0.5}, "method 'dense' takes no `sparsity`"),
        ({"method": "nm-only", "n": 1}, "method 'nm-only' needs `m`"),
        ({"method": "dense", "classes": 0}, "`classes` must be at least 1"),
    ],
)
def test_settings_that_do_not_fit_are_named(changes, message):
    with pytest.raises(ExperimentError, match=message):
        Cell(**{**USER, **changes})
