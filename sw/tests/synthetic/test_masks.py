"""Masks by magnitude: the pattern holds, what stays is what is largest, and parts change nothing."""

import numpy as np
import pytest
import torch
from torch import Tensor

from crisp_golden.format.pattern import check_structure
from crisp_sw.synthetic import LayerSparsity, masks
from crisp_sw.synthetic.masks import hybrid_mask


def random_weight(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    "shape", [(64, 64, 3, 3), (40, 24, 1, 1), (10, 3, 7, 7), (32, 64, 7, 7), (5, 100, 1, 1)]
)
@pytest.mark.parametrize(
    "sparsity", [LayerSparsity(n=1, kept_share=0.5), LayerSparsity(n=2, m=8, block=8, kept_share=0.3)]
)
def test_masked_weight_has_the_pattern(shape: tuple[int, ...], sparsity: LayerSparsity):
    weight = random_weight(*shape)
    mask, pattern = hybrid_mask(weight, sparsity)
    check_structure((weight * mask).numpy(), pattern)
    kept = sparsity.kept_blocks(shape[1], shape[2] * shape[3])
    assert (pattern.block_mask.sum(axis=1) == kept).all()
    assert (pattern.n, pattern.m, pattern.block) == (sparsity.n, sparsity.m, sparsity.block)
    assert mask.any(dim=1).float().mean() > 0


def test_every_group_of_a_kept_block_is_full():
    mask, pattern = hybrid_mask(random_weight(32, 64, 3, 3), LayerSparsity(n=2, m=4, kept_share=0.25))
    assert int(mask.sum()) == int(pattern.block_mask.sum()) * 16 * 16 * 2 // 4


def test_largest_weights_and_heaviest_blocks_stay():
    weight = torch.full((4, 8, 1, 1), 0.1)
    weight[:, 0], weight[:, 6] = -2.0, 1.0
    mask, pattern = hybrid_mask(weight, LayerSparsity(n=1, m=4, block=4, kept_share=0.5))
    assert pattern.block_mask.tolist() == [[True, False]]
    assert mask[:, 0].all()
    assert int(mask.sum()) == 4
    mask, _ = hybrid_mask(weight, LayerSparsity(n=1, m=4, block=4))
    assert mask[:, [0, 6]].all()
    assert int(mask.sum()) == 8


def test_parts_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch):
    weight, sparsity = random_weight(70, 48, 3, 3), LayerSparsity(n=1, kept_share=0.4)
    mask, pattern = hybrid_mask(weight, sparsity)
    monkeypatch.setattr(masks, "PART_ELEMENTS", 1)
    part_mask, part_pattern = hybrid_mask(weight, sparsity)
    assert torch.equal(mask, part_mask)
    assert np.array_equal(pattern.block_mask, part_pattern.block_mask)
