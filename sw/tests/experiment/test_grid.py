"""Grids: every combination once, none that makes no sense."""

import pytest

from crisp_sw.experiment.errors import ExperimentError
from crisp_sw.experiment.grid import GRIDS, Grid, find_grid
from crisp_sw.experiment.recipe import VARIANTS

SMALL = {"classes": (5,), "class_seeds": (0,), "sparsities": (0.7, 0.9), "blocks": (8,)}


@pytest.mark.parametrize("name", GRIDS)
def test_cells_of_all_grids_have_different_names(name):
    cells = find_grid(name).cells(["a", "b"])
    assert len({cell.name for cell in cells}) == len(cells)
    assert {cell.user for cell in cells} == {cell.user for cell in cells if cell.method == "dense"}


def test_target_below_that_of_the_ratio_is_left_out():
    cells = Grid(**SMALL, methods=("crisp",), ratios=((1, 4), (2, 4))).cells(["net"])
    assert [cell.name for cell in cells] == [
        "net-c5-s0-dense",
        "net-c5-s0-crisp-1of4-b8-p90",
        "net-c5-s0-crisp-2of4-b8-p70",
        "net-c5-s0-crisp-2of4-b8-p90",
    ]


def test_methods_have_cells_for_their_own_settings_alone():
    cells = Grid(**SMALL, ratios=((2, 4),)).cells(["net"])
    counts = {}
    for cell in cells:
        counts[cell.method] = counts.get(cell.method, 0) + 1
    assert counts == {
        "dense": 1,
        "nm-only": 1,
        **dict.fromkeys(("crisp", "magnitude", "random", "reference-compat"), 2),
        **dict.fromkeys(("block-only", "unstructured", "channel"), 2),
    }


def test_variants_are_for_crisp_alone():
    grid = Grid(**SMALL, methods=("crisp", "random"), ratios=((2, 4),), variants=tuple(VARIANTS)[:1])
    assert sum(bool(cell.variant) for cell in grid.cells(["net"])) == 2


def test_headline_has_every_method():
    assert {cell.method for cell in find_grid("headline").cells(["net"])} == set(Grid().methods)


def test_unknown_grid_is_named():
    with pytest.raises(ExperimentError, match="no grid 'ful'; expected one of headline, full"):
        find_grid("ful")
