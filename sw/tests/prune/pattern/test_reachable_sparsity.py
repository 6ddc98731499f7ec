"""Targets out of reach: the nearest one that is named can be reached, and none that is a step higher."""

import re

import pytest
from torch import nn

from crisp_sw.models import build_model
from crisp_sw.prune.errors import UnreachableSparsityError
from crisp_sw.prune.layers.prunable_layers import select_layers
from crisp_sw.prune.masks.masked_layer import MaskedLayer
from crisp_sw.prune.masks.masking import attach_mask
from crisp_sw.prune.methods.registry import Selection, selection_for
from crisp_sw.prune.pattern.reachable_sparsity import require_reachable, rounded_down
from crisp_sw.prune.settings.masked_pruning import MaskedPruning
from sw.tests.prune.changed_settings import of_method

STEP = 1e-4


def selection_of(model: nn.Module, settings: MaskedPruning) -> Selection:
    prunable, _ = select_layers(model, settings)
    return selection_for(
        {layer.name: MaskedLayer(layer, attach_mask(layer.module)) for layer in prunable}, settings
    )


def nearest(network: str, settings: MaskedPruning) -> float | None:
    """What the refusal of the settings' sparsity names; None if it can be reached."""
    selection = selection_of(build_model(network, in_channels=1, num_classes=10), settings)
    try:
        selection.require_reachable(settings.sparsity)
    except UnreachableSparsityError as error:
        (named,) = re.findall(r"the nearest is ([\d.]+),", str(error))
        return float(named)
    return None


@pytest.mark.parametrize("network", ["small-resnet", "small-mobilenet-v2"])
@pytest.mark.parametrize("method", ["crisp", "nm", "block", "unstructured", "reference_compat"])
@pytest.mark.parametrize(("n", "block", "share"), [(1, 16, 0.75), (2, 32, 1.0), (2, 8, 0.0), (3, 16, None)])
def test_the_nearest_can_be_reached_and_no_more(network, method, n, block, share):
    settings = of_method(method, n=n, block=block, sparsity=0.99999, min_kept_share=share)
    named = nearest(network, settings)
    if named is not None:
        assert nearest(network, settings.with_values(sparsity=named)) is None
        more = min(named + STEP, settings.sparsity)
        assert nearest(network, settings.with_values(sparsity=more)) == named


def test_floors_that_rise_as_the_target_falls():
    def reachable(target: float) -> float:
        return 0.9 if target > 0.92 else 0.8 if target > 0.85 else 0.7777777

    with pytest.raises(UnreachableSparsityError, match=r"^`sparsity` 0\.95 .* nearest is 0\.7777, as it is$"):
        require_reachable(0.95, reachable, why="as it is")
    require_reachable(0.7777, reachable, why="as it is")


@pytest.mark.parametrize(("sparsity", "read"), [(0.99989, 0.9998), (1 - 0.07, 0.93), (0.5, 0.5), (0.0, 0.0)])
def test_rounding_is_down(sparsity, read):
    assert rounded_down(sparsity) == read
