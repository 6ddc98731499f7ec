"""One layer under pruning: scores count what N:M leaves, masks combine both patterns."""

import torch
from torch import nn

from crisp_sw.prune.layers import select_layers
from crisp_sw.prune.masked_layer import MaskedLayer
from crisp_sw.prune.settings import PruneSettings


def layer_of_four_blocks() -> tuple[nn.Linear, MaskedLayer]:
    module = nn.Linear(4, 4, bias=False)
    module.weight = nn.Parameter(torch.arange(1.0, 17.0).reshape(4, 4))
    settings = PruneSettings(n=1, m=2, block=2)
    prunable, _ = select_layers(nn.Sequential(module), settings)
    return module, MaskedLayer(prunable[0], settings)


SALIENCY = torch.tensor(
    [[1.0, 2.0, 3.0, 4.0], [8.0, 7.0, 6.0, 5.0], [0.0, 1.0, 1.0, 0.0], [2.0, 2.0, 0.0, 9.0]]
)


def test_blocks_are_scored_by_surviving_saliency():
    _, layer = layer_of_four_blocks()
    layer.score(SALIENCY)
    assert layer.blocks.scores.tolist() == [[10.0, 10.0], [3.0, 10.0]]


def test_mask_is_both_patterns_at_once():
    module, layer = layer_of_four_blocks()
    layer.score(SALIENCY)
    layer.keep(torch.tensor([[True, False], [False, True]]))
    expected = [[0.0, 2.0, 0.0, 0.0], [5.0, 0.0, 0.0, 0.0], [0.0, 0.0, 11.0, 0.0], [0.0, 0.0, 0.0, 16.0]]
    assert module.weight.tolist() == expected


def test_pattern_and_report():
    _, layer = layer_of_four_blocks()
    layer.score(SALIENCY)
    layer.keep(torch.tensor([[True, False], [False, True]]))
    pattern, report = layer.pattern(), layer.report()
    assert (pattern.n, pattern.m, pattern.block) == (1, 2, 2)
    assert pattern.block_mask.tolist() == [[True, False], [False, True]]
    assert (report.name, report.weights, report.kept_weights) == ("0", 16, 4)
    assert (report.kept_blocks, report.total_blocks) == (2, 4)
    assert (report.kept_per_row, report.blocks_per_row) == (1, 2)


def test_fine_choice_moves_until_frozen():
    module, layer = layer_of_four_blocks()
    everything = torch.ones(2, 2, dtype=torch.bool)
    layer.score(SALIENCY)
    layer.keep(everything)
    before = module.weight != 0
    layer.score(SALIENCY.flip(1))
    layer.keep(everything)
    assert not torch.equal(module.weight != 0, before)
    layer.freeze()
    module(torch.ones(1, 4)).sum().backward()
    assert layer.weight.grad is not None
    assert torch.equal(layer.weight.grad != 0, module.weight != 0)
