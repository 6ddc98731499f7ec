"""Grids: every combination once, none that makes no sense."""

from dataclasses import replace

import pytest

from crisp_sw.flows.experiment.cells.cell import ExperimentError
from crisp_sw.flows.experiment.cells.grid import GRIDS, LONGEST_NAME, Grid, find_grid, table_name
from crisp_sw.flows.experiment.cells.recipe import VARIANTS
from crisp_sw.flows.experiment.universal import UNIVERSAL

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
    cells = Grid(**SMALL, ratios=((2, 4),), nm_only_ratios=((1, 4), (1, 16))).cells(["net"])
    counts = {}
    for cell in cells:
        counts[cell.method] = counts.get(cell.method, 0) + 1
    assert counts == {
        "dense": 1,
        "nm-only": 2,
        **dict.fromkeys(("crisp", "magnitude", "random", "reference-compat"), 2),
        **dict.fromkeys(("block-only", "unstructured", "channel"), 2),
    }


def test_variants_are_for_crisp_alone():
    grid = Grid(**SMALL, methods=("crisp", "random"), ratios=((2, 4),), variants=("cubic",))
    cells = [cell for cell in grid.cells(["net"]) if cell.variant]
    assert [cell.method for cell in cells] == ["crisp", "crisp"]


@pytest.mark.parametrize("variant", ["transfer-set", "long"])
def test_variants_that_train_more_are_for_the_dense_network_too(variant):
    grid = Grid(**SMALL, methods=("crisp",), ratios=((2, 4),), variants=(variant, "cubic"))
    cells = [cell for cell in grid.cells(["net"]) if cell.variant == variant]
    assert [cell.method for cell in cells] == ["dense", "crisp", "crisp"]
    assert sum(cell.is_reference for cell in grid.cells(["net"])) == 1


def test_headline_has_every_method():
    assert {cell.method for cell in find_grid("headline").cells(["net"])} == set(Grid().methods)


def test_former_name_of_a_grid_leads_to_its_name():
    with pytest.raises(ExperimentError, match="the grid 'worth' is called 'variants'; expected that name"):
        find_grid("worth")


def test_unknown_grid_is_named():
    with pytest.raises(ExperimentError, match="no grid 'ful'; expected one of headline, full"):
        find_grid("ful")


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"classes": (5, 0)}, "`classes` must be at least 1, not 0"),
        ({"class_seeds": (-1,)}, "`class_seeds` must be an integer from 0 to 18446744073709551615, not -1"),
        ({"methods": ("dense", "best")}, "`methods` must be one of dense, crisp, .*, not 'best'"),
        ({"sparsities": (0.9, 1.0)}, r"`sparsities` must be above 0 and below 1, not 1\.0"),
        ({"sparsities": (0.0,)}, r"`sparsities` must be above 0 and below 1, not 0\.0"),
        ({"blocks": (16, 6)}, "`blocks` must be a positive multiple of m = 4 up to 1024, not 6"),
        ({"blocks": (0,)}, "`blocks` must be a positive multiple of m = 4 up to 1024, not 0"),
        ({"ratios": ((4, 4),)}, "`ratios` must be N:M with N from 1 to M - 1, not 4:4"),
        ({"nm_only_ratios": ((0, 4),)}, "`nm_only_ratios` must be N:M with N from 1 to M - 1, not 0:4"),
        ({"variants": ("shot",)}, "no variant 'shot'"),
        (
            {"networks": ("a/net.safetensors", "b/net.safetensors")},
            "'a/net.safetensors' and 'b/net.safetensors' are both called 'net'",
        ),
    ],
)
@pytest.mark.parametrize("methods", [("dense",), ("dense", "crisp")])
def test_values_that_no_cell_can_have_are_named_whatever_the_methods(axes, message, methods):
    with pytest.raises(ExperimentError, match=message):
        Grid(**{"methods": methods, **axes})


def test_full_grid_alone_has_both_universal_networks():
    assert find_grid("full").networks == tuple(UNIVERSAL) == ("resnet18-half-32px", "mobilenet-v2-half-32px")
    assert find_grid("headline").networks == ("resnet18-half-32px",)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "headline"),
        ({"classes": (10,)}, "headline"),
        ({"classes": (1,)}, "headline-classes-1"),
        ({"class_seeds": (0, 1), "sparsities": (0.9, 0.92)}, "headline-seeds-0+1-sparsities-0.9+0.92"),
        ({"networks": ("a/net.safetensors",), "ratios": ((1, 4),)}, "headline-networks-net-ratios-1of4"),
        ({"methods": ("dense", "nm-only")}, "headline-methods-dense+nm-only"),
    ],
)
def test_table_is_named_after_what_differs_from_the_grid(changes, expected):
    assert table_name("headline", replace(find_grid("headline"), **changes)) == expected


def test_names_of_tables_are_never_too_long_for_a_file():
    every = replace(find_grid("headline"), variants=tuple(VARIANTS))
    names = {table_name("headline", replace(every, class_seeds=(seed,))) for seed in range(3)}
    assert len(names) == 3
    assert max(map(len, names)) <= LONGEST_NAME + 9
