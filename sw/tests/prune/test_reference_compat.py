"""The published code's masks, against a slow reading of what it does, element by element."""

import pytest
import torch
from torch import nn

from crisp_sw.prune.errors import UnreachableSparsityError
from crisp_sw.prune.layers import select_layers
from crisp_sw.prune.masked_layer import MaskedLayer, sparsity_of
from crisp_sw.prune.masking import attach_mask
from crisp_sw.prune.reference_compat import ReferenceSelection
from crisp_sw.prune.settings import PruneSettings

B = 4
SETTINGS = PruneSettings(method="reference_compat", n=2, m=4, block=B, small_layers="hybrid")


def selection_of(*modules: nn.Module) -> tuple[ReferenceSelection, dict[str, MaskedLayer]]:
    prunable, _ = select_layers(nn.Sequential(*modules), SETTINGS)
    layers = {layer.name: MaskedLayer(layer, attach_mask(layer.module)) for layer in prunable}
    return ReferenceSelection(layers), layers


def convolution(seed: int) -> nn.Conv2d:
    layer = nn.Conv2d(8, 12, 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(layer.weight.shape, generator=torch.Generator().manual_seed(seed)))
    return layer


def slow_block_mask(score: torch.Tensor, ranks_to_keep: int) -> torch.Tensor:
    """bool[rows, columns] of one layer: mixed-up rows, a threshold that goes itself."""
    rows, columns = score.shape[0] // B, score.shape[1] // B
    listed = [
        float(score[i * B : i * B + B, j * B : j * B + B].sum()) for j in range(columns) for i in range(rows)
    ]
    pseudo_rows = [listed[i * columns : (i + 1) * columns] for i in range(rows)]
    orders = [sorted(range(columns), key=row.__getitem__) for row in pseudo_rows]
    rank_scores = [
        sum(row[order[rank]] for row, order in zip(pseudo_rows, orders, strict=True))
        for rank in range(columns)
    ]
    threshold = sorted(rank_scores, reverse=True)[ranks_to_keep - 1]
    mask = torch.zeros(rows, columns, dtype=torch.bool)
    for i in range(rows):
        for rank in range(columns):
            mask[i, orders[i][rank]] = rank_scores[rank] > threshold
    return mask


def test_first_step_is_that_of_the_published_code():
    layer = convolution(0)
    saliency = torch.rand(12, 8, 2, 2, generator=torch.Generator().manual_seed(1))
    selection, layers = selection_of(layer)
    weight = layers["0"].weight.detach().clone()
    selection.select({"0": saliency}, 0.75)
    # Half of the 8 rank-columns reach 75% with 2:4; the fifth goes because of the strict comparison.
    expected = slow_block_mask((weight.abs() * saliency).reshape(12, 32), ranks_to_keep=4)
    assert expected.sum(1).tolist() == [3, 3, 3]
    assert torch.equal(layers["0"].kept_blocks, expected)
    kept = layers["0"].mask.reshape(-1, 4)
    assert set(kept.sum(1).tolist()) == {0, 2}
    groups = saliency.reshape(-1, 4)
    for group, mask in zip(groups[kept.any(1)], kept[kept.any(1)], strict=True):
        assert sorted(group[mask].tolist()) == sorted(group.tolist())[2:]


def test_rows_end_with_different_numbers_of_blocks():
    selection, layers = selection_of(convolution(0))
    generator = torch.Generator().manual_seed(2)
    before = layers["0"].mask
    for target in (0.6, 0.7, 0.8):
        selection.select({"0": torch.rand(12, 8, 2, 2, generator=generator) * layers["0"].mask}, target)
        assert not bool((layers["0"].mask & ~before).any())
        assert sparsity_of([layers["0"]]) >= target
        before = layers["0"].mask
    assert len(set(layers["0"].kept_blocks.sum(1).tolist())) > 1


def test_layers_that_blocks_do_not_divide_and_the_classifier_get_fine_sparsity_only():
    selection, layers = selection_of(convolution(0), nn.Conv2d(12, 10, 1), nn.Linear(8, 8))
    generator = torch.Generator().manual_seed(3)
    saliency = {name: torch.rand(layer.mask.shape, generator=generator) for name, layer in layers.items()}
    selection.select(saliency, 0.6)
    assert bool(layers["1"].kept_blocks.all())
    assert bool(layers["2"].kept_blocks.all())
    assert layers["2"].kept_weights == 32
    assert not bool(layers["0"].kept_blocks.all())


def test_unreachable_target_names_the_nearest():
    selection, _ = selection_of(nn.Conv2d(8, 10, 1))
    with pytest.raises(UnreachableSparsityError, match=r"`sparsity` 0\.9 cannot .* nearest is 0\.5000"):
        selection.require_reachable(0.9)
