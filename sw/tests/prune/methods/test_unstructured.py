"""The unstructured baseline: globally least salient weights, with floors."""

import pytest
import torch
from torch import nn

from crisp_sw.prune.errors import PruneError, UnreachableSparsityError
from crisp_sw.prune.layers.prunable_layers import select_layers
from crisp_sw.prune.masks.masked_layer import MaskedLayer, sparsity_of
from crisp_sw.prune.masks.masking import attach_mask
from crisp_sw.prune.methods.unstructured import UnstructuredSelection
from crisp_sw.prune.settings.methods import UnstructuredPruning

CHOICE = UnstructuredPruning.of(m=2, block=2, sparsity=0.75, min_kept_share=0.0, small_layers="hybrid")
FIRST, SECOND = torch.arange(16.0).reshape(4, 4), 100 + torch.arange(16.0).reshape(4, 4)


def selection_of(settings: UnstructuredPruning) -> tuple[UnstructuredSelection, dict[str, MaskedLayer]]:
    prunable, _ = select_layers(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)), settings)
    layers = {layer.name: MaskedLayer(layer, attach_mask(layer.module)) for layer in prunable}
    return UnstructuredSelection(layers, settings), layers


def test_least_salient_go_wherever_they_are():
    selection, layers = selection_of(CHOICE)
    selection.select({"0": FIRST, "1": SECOND}, 0.75)
    assert [layer.kept_weights for layer in layers.values()] == [0, 8]
    assert torch.equal(layers["1"].mask, SECOND >= 108)
    assert sparsity_of(list(layers.values())) == 0.75


def test_floor_keeps_the_most_salient_of_a_layer():
    selection, layers = selection_of(CHOICE.with_values(min_kept_share=0.5))
    selection.select({"0": FIRST, "1": SECOND}, 0.75)
    assert [layer.kept_weights for layer in layers.values()] == [2, 6]
    assert torch.equal(layers["0"].mask, FIRST >= 14)


def test_a_number_of_blocks_is_no_floor():
    with pytest.raises(PruneError, match="`min_kept_blocks` 2 has no effect on the method 'unstructured'"):
        CHOICE.with_values(min_kept_blocks=2)


@pytest.mark.parametrize(("choice", "moves"), [("reselect", True), ("monotone", False)])
def test_pruned_weights_come_back_or_not(choice, moves):
    selection, layers = selection_of(CHOICE.with_values(nm_choice=choice))
    selection.select({"0": FIRST, "1": SECOND}, 0.5)
    selection.select({"0": SECOND, "1": FIRST}, 0.75)
    assert (layers["0"].kept_weights == 8) == moves


def test_monotone_weights_stay_pruned_for_a_lower_target():
    selection, layers = selection_of(CHOICE.with_values(nm_choice="monotone"))
    selection.select({"0": FIRST, "1": SECOND}, 0.75)
    before = {name: layer.mask for name, layer in layers.items()}
    selection.select({"0": SECOND, "1": FIRST}, 0.5)
    assert all(torch.equal(layer.mask, before[name]) for name, layer in layers.items())


def test_unreachable_target_names_the_nearest():
    selection, _ = selection_of(CHOICE.with_values(min_kept_share=1.0))
    with pytest.raises(UnreachableSparsityError, match=r"`sparsity` 0\.99 cannot .* nearest is 0\.9375,"):
        selection.require_reachable(0.99)
    selection.require_reachable(0.9375)


@pytest.mark.parametrize(("sparsity", "kept"), [(0.75, [4, 4]), (0.9, [1, 2]), (0.9375, [1, 1])])
def test_floors_of_uniform_pruning_can_be_reached(sparsity, kept):
    selection, layers = selection_of(CHOICE.with_values(sparsity=sparsity, min_kept_share=1.0))
    selection.require_reachable(sparsity)
    selection.select({"0": FIRST, "1": SECOND}, sparsity)
    assert [layer.kept_weights for layer in layers.values()] == kept
