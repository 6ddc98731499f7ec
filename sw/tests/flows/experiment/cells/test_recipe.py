"""Recipes: the settings of every method, and variants that change one thing."""

import pytest

from crisp_sw.flows.experiment.cells.cell import Cell, ExperimentError
from crisp_sw.flows.experiment.cells.grid import Grid
from crisp_sw.flows.experiment.cells.recipe import STANDARD, VARIANTS, find_recipe

USER = {"network": "net", "classes": 10, "class_seed": 2}
PATTERN = {"n": 2, "m": 4, "block": 8, "sparsity": 0.9}


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("crisp", {"method": "crisp", "saliency": "class-aware", **PATTERN}),
        ("magnitude", {"method": "crisp", "saliency": "magnitude", **PATTERN}),
        ("random", {"method": "crisp", "saliency": "random", **PATTERN}),
        ("reference-compat", {"method": "reference_compat", **PATTERN}),
        ("nm-only", {"method": "nm", "n": 2, "m": 4, "sparsity": 0.5}),
        ("block-only", {"method": "block", "block": 8, "sparsity": 0.9}),
        ("unstructured", {"method": "unstructured", "sparsity": 0.9}),
        ("channel", {"method": "channel", "sparsity": 0.9}),
        ("dense", {"method": "dense"}),
    ],
)
def test_method_gets_its_settings(method, expected):
    grid = Grid(
        classes=(10,),
        class_seeds=(2,),
        methods=(method,),
        sparsities=(0.9,),
        blocks=(8,),
        ratios=((2, 4),),
        nm_only_ratios=((2, 4),),
    )
    settings = STANDARD.prune_settings(grid.cells(["net"])[-1]).to_json()
    assert {name: settings[name] for name in expected} == expected
    assert settings["seed"] == 2


def test_all_methods_train_equally_long():
    cells = Grid(classes=(10,), class_seeds=(0,)).cells(["net"])
    assert len({STANDARD.prune_settings(cell).training.total_epochs for cell in cells}) == 1


@pytest.mark.parametrize("name", VARIANTS)
def test_variant_is_valid_and_differs(name):
    cell = Cell(**USER, method="crisp", **PATTERN, variant=name)
    assert find_recipe(name).prune_settings(cell)
    assert find_recipe(name) != find_recipe("") == STANDARD


def test_unknown_variant_is_named():
    with pytest.raises(ExperimentError, match="no variant 'shot'; expected one of"):
        find_recipe("shot")
