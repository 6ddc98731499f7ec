"""Global rank-column pruning: equal rows, monotone masks, the target met within one rank-column."""

import itertools

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crisp_sw.prune.errors import MaskError, UnreachableSparsityError
from crisp_sw.prune.pattern.block_grid import BlockGrid
from crisp_sw.prune.pattern.nm_masks import block_capacity
from crisp_sw.prune.pattern.rank_columns import LayerBlocks, prune_rank_columns, reachable_sparsity


def layer_of(scores, *, capacity=None, kept=None, floor=1, weights=None) -> LayerBlocks:
    scores = torch.tensor(scores, dtype=torch.float64)
    capacity = torch.full(scores.shape, 10) if capacity is None else capacity
    return LayerBlocks(
        weights=int(capacity.sum()) if weights is None else weights,
        scores=scores,
        capacity=capacity,
        kept=torch.ones_like(scores, dtype=torch.bool) if kept is None else kept,
        floor=floor,
    )


@st.composite
def random_layers(draw):
    """One to four layers of any size, ragged at the edges, with many equal scores."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10_000)))
    n, layers = draw(st.integers(1, 4)), {}
    for number in range(draw(st.integers(1, 4))):
        grid = BlockGrid(
            out_channels=draw(st.integers(1, 40)),
            in_channels=draw(st.integers(1, 40)),
            taps=draw(st.sampled_from([1, 9])),
            block=8,
        )
        capacity = block_capacity(grid, n=n, m=4)
        layers[f"layer{number}"] = LayerBlocks(
            weights=grid.weights,
            scores=torch.randint(0, 6, capacity.shape, generator=generator).double(),
            capacity=capacity,
            kept=torch.ones_like(capacity, dtype=torch.bool),
            floor=draw(st.integers(1, grid.block_columns)),
        )
    return layers


def sparsity_of(layers, kept) -> float:
    total = sum(layer.weights for layer in layers.values())
    return 1 - sum(int(layer.capacity[kept[name]].sum()) for name, layer in layers.items()) / total


def regrown(layers, kept, seed=0):
    """The layers after pruning, with new scores."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: LayerBlocks(
            weights=layer.weights,
            scores=torch.rand(layer.scores.shape, generator=generator, dtype=torch.float64),
            capacity=layer.capacity,
            kept=kept[name],
            floor=layer.floor,
        )
        for name, layer in layers.items()
    }


@settings(deadline=None, max_examples=80, derandomize=True)
@given(layers=random_layers(), target=st.floats(0, 0.99), rank_score=st.sampled_from(["mean", "sum"]))
def test_pruned_masks_keep_every_promise(layers, target, rank_score):
    assume(target <= reachable_sparsity(layers))
    kept = prune_rank_columns(layers, sparsity=target, rank_score=rank_score)
    assert list(kept) == list(layers)
    before = sparsity_of(layers, {name: layer.kept for name, layer in layers.items()})
    reached = sparsity_of(layers, kept)
    assert reached >= target - 1e-9
    total = sum(layer.weights for layer in layers.values())
    widest = 0
    for name, layer in layers.items():
        per_row = kept[name].sum(1)
        assert int(per_row.min()) == int(per_row.max()) >= layer.floor
        widest = max(widest, int(layer.capacity.max(1).values.sum()))
    assert reached == before or (reached - target) * total < widest


@settings(deadline=None, max_examples=40, derandomize=True)
@given(layers=random_layers(), low=st.floats(0, 0.95), step=st.floats(0, 0.5))
def test_pruned_blocks_stay_pruned(layers, low, step):
    high = min(0.99, low + step)
    assume(high <= reachable_sparsity(layers))
    first = prune_rank_columns(layers, sparsity=low)
    later = regrown(layers, first)
    second = prune_rank_columns(later, sparsity=high)
    assert sparsity_of(layers, second) >= high - 1e-9
    for name in layers:
        assert not bool((second[name] & ~first[name]).any())


@settings(deadline=None, max_examples=20, derandomize=True)
@given(layers=random_layers(), target=st.floats(0, 0.9))
def test_same_input_same_masks(layers, target):
    assume(target <= reachable_sparsity(layers))
    first, second = (prune_rank_columns(layers, sparsity=target) for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in layers)


def test_each_block_row_loses_its_own_lowest_blocks():
    layer = layer_of([[1.0, 5.0, 3.0], [9.0, 2.0, 4.0]])
    kept = prune_rank_columns({"a": layer}, sparsity=1 / 3)["a"]
    assert kept.int().tolist() == [[0, 1, 1], [1, 0, 1]]


def test_columns_of_all_layers_compete():
    layers = {"a": layer_of([[1.0, 4.0, 6.0]]), "b": layer_of([[2.0, 3.0, 9.0]])}
    kept = prune_rank_columns(layers, sparsity=0.5)
    assert kept["a"].int().tolist() == [[0, 1, 1]]
    assert kept["b"].int().tolist() == [[0, 0, 1]]


def test_mean_and_sum_scores_differ_for_layers_of_different_height():
    layers = {"low": layer_of([[3.0, 8.0]]), "high": layer_of([[2.0, 8.0], [2.0, 8.0]])}
    by_mean = prune_rank_columns(layers, sparsity=0.1, rank_score="mean")
    by_sum = prune_rank_columns(layers, sparsity=0.1, rank_score="sum")
    assert [int(mask.sum()) for mask in by_mean.values()] == [2, 2]
    assert [int(mask.sum()) for mask in by_sum.values()] == [1, 4]


def test_ties_go_by_layer_then_rank_then_block_column():
    layers = {"a": layer_of([[1.0, 1.0, 1.0]]), "b": layer_of([[1.0, 1.0, 1.0]])}
    for sparsity, a, b in [
        (1 / 6, [0, 1, 1], [1, 1, 1]),
        (2 / 6, [0, 0, 1], [1, 1, 1]),
        (3 / 6, [0, 0, 1], [0, 1, 1]),
    ]:
        kept = prune_rank_columns(layers, sparsity=sparsity)
        assert (kept["a"].int().tolist(), kept["b"].int().tolist()) == ([a], [b])


def test_every_reachable_target_is_met_exactly_where_columns_are_equal():
    layers = {"a": layer_of([[float(column) for column in range(10)]], floor=1)}
    for tenths in range(10):
        kept = prune_rank_columns(layers, sparsity=tenths / 10)["a"]
        assert int(kept.sum()) == 10 - tenths


def test_floor_holds_and_the_other_layer_pays():
    layers = {"a": layer_of([[0.0, 0.0, 0.0]], floor=2), "b": layer_of([[5.0, 6.0, 7.0]])}
    kept = prune_rank_columns(layers, sparsity=0.5)
    assert [int(mask.sum()) for mask in kept.values()] == [2, 1]


def test_unreachable_target_names_the_nearest():
    layers = {"a": layer_of([[1.0, 2.0, 3.0, 4.0]], floor=1)}
    message = "`sparsity` 0.9 cannot be reached: the nearest is 0.75, with every layer at its floor"
    assert reachable_sparsity(layers) == 0.75
    with pytest.raises(UnreachableSparsityError, match=message):
        prune_rank_columns(layers, sparsity=0.9)
    prune_rank_columns(layers, sparsity=0.75)


def test_reachable_holds_for_any_scores_at_ragged_edges():
    capacity = torch.tensor([[8, 8, 2]])
    for order in itertools.permutations([1.0, 2.0, 3.0]):
        layers = {"a": layer_of([list(order)], capacity=capacity)}
        assert reachable_sparsity(layers) == pytest.approx(5 / 9)
        kept = prune_rank_columns(layers, sparsity=0.55)
        assert sparsity_of(layers, kept) >= 0.55


def test_block_rows_that_differ_are_refused():
    kept = torch.tensor([[True, True, False], [True, False, False]])
    layers = {"fine": layer_of([[1.0, 2.0]]), "odd": layer_of([[1.0] * 3] * 2, kept=kept)}
    message = "the mask of layer 'odd' keeps 1 to 2 blocks in a block-row; expected equally many in each"
    with pytest.raises(MaskError, match=message):
        prune_rank_columns(layers, sparsity=0.5)
