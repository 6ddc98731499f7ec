"""CRISP's selection: scores count what N:M leaves, masks combine both patterns and only grow."""

import itertools

import pytest
import torch
from hypothesis import given, reject
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import nn

from crisp_sw.prune.errors import UnreachableSparsityError
from crisp_sw.prune.layers.prunable_layers import select_layers
from crisp_sw.prune.masks.masked_layer import MaskedLayer
from crisp_sw.prune.masks.masking import attach_mask
from crisp_sw.prune.methods.registry import Selection, selection_for
from crisp_sw.prune.settings.masked_pruning import MaskedPruning
from crisp_sw.prune.settings.methods import BlockPruning, CrispPruning
from sw.tests.prune.changed_settings import changed, of_method
from sw.tests.prune.structure import Structure

SALIENCY = torch.tensor(
    [[1.0, 2.0, 3.0, 4.0], [8.0, 7.0, 6.0, 5.0], [0.0, 1.0, 1.0, 0.0], [2.0, 2.0, 0.0, 9.0]]
)
SMALL = CrispPruning.of(n=1, m=2, block=2, min_kept_share=0.0, small_layers="hybrid")


def selection_of(model: nn.Module, settings: MaskedPruning) -> tuple[Selection, dict[str, MaskedLayer]]:
    prunable, _ = select_layers(model, settings)
    layers = {layer.name: MaskedLayer(layer, attach_mask(layer.module)) for layer in prunable}
    return selection_for(layers, settings), layers


def test_mask_is_both_patterns_at_once():
    selection, layers = selection_of(nn.Sequential(nn.Linear(4, 4)), SMALL)
    selection.select({"0": SALIENCY}, 0.75)
    # Scores after 1:2 are 2 + 8 and 4 + 6 in the first block-row, 1 + 2 and 1 + 9 in the second.
    assert layers["0"].mask.int().tolist() == [[0, 0, 0, 1], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1]]


@pytest.mark.parametrize(("choice", "moves"), [("reselect", True), ("monotone", False)])
def test_fine_choice_moves_or_not(choice, moves):
    selection, layers = selection_of(nn.Sequential(nn.Linear(4, 4)), changed(SMALL, nm_choice=choice))
    selection.select({"0": SALIENCY}, 0.5)
    before = layers["0"].mask
    selection.select({"0": SALIENCY.flip(1)}, 0.5)
    assert torch.equal(layers["0"].mask, before) != moves


@pytest.mark.parametrize(("score", "pruned"), [("mean", "0"), ("sum", "1")])
def test_rank_columns_compare_by_the_score_asked_for(score, pruned):
    # A rank-column of the first layer has four times the weights of the second's, which score twice as much.
    model = nn.Sequential(nn.Linear(4, 16), nn.Linear(4, 4))
    selection, layers = selection_of(model, changed(SMALL, method="block", rank_score=score))
    saliency = {"0": torch.ones(16, 4), "1": torch.full((4, 4), 2.0)}
    selection.select(saliency, 0.05)
    assert {name: bool(layer.kept_blocks.all()) for name, layer in layers.items()} == {
        name: name != pruned for name in layers
    }


def test_start_is_what_the_short_groups_leave():
    selection, _ = selection_of(nn.Sequential(nn.Linear(5, 2)), changed(SMALL, block=2))
    assert selection.start_sparsity == pytest.approx(1 - 3 / 5)


def test_blocks_only_and_fine_only():
    selection, layers = selection_of(nn.Sequential(nn.Linear(4, 4)), changed(SMALL, method="block"))
    selection.select({"0": SALIENCY}, 0.5)
    assert layers["0"].mask.int().tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1]]
    selection, layers = selection_of(nn.Sequential(nn.Linear(4, 4)), changed(SMALL, method="nm"))
    selection.select({"0": SALIENCY}, 0.5)
    assert bool(layers["0"].kept_blocks.all())
    with pytest.raises(UnreachableSparsityError, match=r"`sparsity` 0\.6 cannot .* nearest is 0\.5,"):
        selection.require_reachable(0.6)


def test_oihw_order_runs_over_the_taps():
    settings = changed(SMALL, matrix_order="oihw", m=4, block=4)
    selection, layers = selection_of(nn.Sequential(nn.Conv2d(4, 4, 2)), settings)
    saliency = torch.arange(64.0).reshape(4, 4, 2, 2)
    selection.select({"0": saliency}, 0.75)
    assert layers["0"].mask[0, 0].int().tolist() == [[0, 0], [0, 1]]
    assert layers["0"].pattern().n == 4  # along channels, one tap has all four


@st.composite
def networks(draw):
    m = draw(st.sampled_from([2, 4, 8, 16]))
    settings = of_method(
        draw(st.sampled_from(["crisp", "crisp", "block"])),
        n=draw(st.integers(1, m)),
        m=m,
        block=m * draw(st.integers(-(-4 // m), 64 // m)),
        sparsity=0.9,
        min_kept_share=draw(st.sampled_from([0.0, 0.5])),
        depthwise=draw(st.sampled_from(["dense", "hybrid"])),
        small_layers=draw(st.sampled_from(["fine", "hybrid"])),
        nm_choice=draw(st.sampled_from(["reselect", "monotone"])),
        matrix_order=draw(st.sampled_from(["tap-major", "oihw"])),
        rank_score=draw(st.sampled_from(["mean", "sum"])),
    )
    channels = draw(st.lists(st.integers(1, 70), min_size=2, max_size=4))
    kernel = draw(st.sampled_from([1, 2, 3]))
    layers = [nn.Conv2d(a, b, kernel) for a, b in itertools.pairwise(channels)]
    layers.append(nn.Conv2d(channels[-1], channels[-1], kernel, groups=channels[-1]))
    layers.append(nn.Conv2d(2 * settings.block, 2 * settings.block, kernel, groups=2))
    return nn.Sequential(*layers, nn.Linear(channels[-1], draw(st.integers(1, 20)))), settings


def structure_of(layer: MaskedLayer, settings: CrispPruning | BlockPruning) -> Structure:
    return Structure(
        layer.mask,
        n=settings.most_of_group,
        m=settings.m,
        block=settings.block,
        order=settings.masking.matrix_order,
    )


def largest_rank_column(before: dict[str, Structure], after: dict[str, Structure]) -> int:
    """Weights of the largest one that may have gone between two steps: a block of every block-row."""
    columns = [0]
    for name, structure in before.items():
        gone = structure.blocks() & ~after[name].blocks()
        assert len(set(gone.sum(1).tolist())) == 1
        columns.append(int((structure.capacity() * gone).max(1).sum()))
    return max(columns)


@hypothesis_settings(deadline=None, max_examples=60, derandomize=True)
@given(
    case=networks(), seed=st.integers(0, 1000), steps=st.lists(st.floats(0.1, 0.9), min_size=2, max_size=3)
)
def test_any_network_gets_its_pattern(case, seed, steps):
    model, settings = case
    selection, layers = selection_of(model, settings)
    try:
        selection.require_reachable(max(steps))
    except UnreachableSparsityError:
        reject()
    generator = torch.Generator().manual_seed(seed)
    total = sum(layer.mask.numel() for layer in layers.values())
    before = {name: structure_of(layer, settings) for name, layer in layers.items()}
    masks = {name: layer.mask for name, layer in layers.items()}
    for target in sorted(steps):
        saliency = {name: torch.rand(mask.shape, generator=generator) for name, mask in masks.items()}
        selection.select(saliency, target)
        after = {name: structure_of(layer, settings) for name, layer in layers.items()}
        for name, structure in after.items():
            structure.check()
            assert not (structure.blocks() & ~before[name].blocks()).any()
            if settings.method == "crisp" and settings.nm_choice == "monotone":
                assert not bool((layers[name].mask & ~masks[name]).any())
        # Reached, and without the last rank-column it would not have been, unless no block went.
        kept, allowed = sum(int(layer.mask.sum()) for layer in layers.values()), (1 - target) * total
        largest = largest_rank_column(before, after)
        assert kept <= allowed + 1e-6
        assert largest == 0 or kept + largest > allowed - 1e-6
        before, masks = after, {name: layer.mask for name, layer in layers.items()}
        selection.select(saliency, target)
        assert all(torch.equal(layer.mask, masks[name]) for name, layer in layers.items())
