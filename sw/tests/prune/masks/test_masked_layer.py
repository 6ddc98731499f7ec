"""One layer under pruning: its mask is all its state."""

import pytest
import torch
from torch import nn

from crisp_sw.prune.layers.prunable_layers import select_layers
from crisp_sw.prune.masks.masked_layer import MaskedLayer, mask_for, sparsity_of
from crisp_sw.prune.masks.masking import attach_mask
from crisp_sw.prune.settings.methods import CrispPruning
from sw.tests.prune.changed_settings import of_method

MASK = torch.tensor([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], dtype=torch.bool)


def masked_linear() -> tuple[nn.Linear, MaskedLayer]:
    module = nn.Linear(4, 4, bias=False)
    module.weight = nn.Parameter(torch.arange(1.0, 17.0).reshape(4, 4))
    prunable, _ = select_layers(nn.Sequential(module), CrispPruning.of(n=1, m=2, block=2))
    return module, MaskedLayer(prunable[0], attach_mask(module))


def test_everything_is_kept_at_first():
    _, layer = masked_linear()
    assert (layer.weights, layer.kept_weights, sparsity_of([layer])) == (16, 16, 0.0)
    assert bool(layer.kept_blocks.all())


def test_mask_shows_in_the_weight():
    module, layer = masked_linear()
    layer.set_mask(MASK)
    expected = [[0.0, 2.0, 0.0, 0.0], [5.0, 0.0, 0.0, 0.0], [0.0, 0.0, 11.0, 0.0], [0.0, 0.0, 0.0, 16.0]]
    assert module.weight.tolist() == expected
    assert torch.equal(layer.mask, MASK)
    assert bool((layer.weight != 0).all())


def test_pattern_and_report():
    _, layer = masked_linear()
    layer.set_mask(MASK)
    pattern, report = layer.pattern(), layer.report()
    assert (pattern.n, pattern.m, pattern.block) == (1, 2, 2)
    assert pattern.block_mask.tolist() == [[True, False], [False, True]]
    assert (report.name, report.weights, report.kept_weights) == ("0", 16, 4)
    assert (report.kept_blocks, report.total_blocks) == (2, 4)
    assert (report.kept_per_row, report.blocks_per_row) == (1, 2)


def test_choice_of_every_step_is_n_of_m_by_magnitude_in_kept_blocks():
    settings = CrispPruning.of(n=1, m=2, block=2, nm_choice="every-step")
    module = nn.Linear(4, 4, bias=False)
    module.weight = nn.Parameter(torch.tensor([[1.0, -2.0, 3.0, 4.0]] * 4))
    prunable, _ = select_layers(nn.Sequential(module), settings)
    layer = MaskedLayer(prunable[0], attach_mask(module, mask_for(prunable[0], settings)))
    assert bool(layer.mask.all())
    layer.set_mask(MASK)
    kept = [[0.0, -2.0, 0.0, 0.0]] * 2 + [[0.0, 0.0, 0.0, 4.0]] * 2
    assert module.weight.tolist() == kept
    layer.weight.data[0, 0] = 5.0
    assert module.weight.tolist() == [[5.0, 0.0, 0.0, 0.0], *kept[1:]]
    layer.freeze()
    layer.weight.data[0, 0] = 0.5
    assert module.weight.tolist()[0] == [0.5, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("method", ["block", "unstructured", "reference_compat"])
def test_methods_without_n_of_m_inside_blocks_choose_at_their_steps_alone(method):
    settings = of_method(method, n=1, m=2, block=2, nm_choice="every-step")
    prunable, _ = select_layers(nn.Sequential(nn.Linear(4, 4)), settings)
    assert mask_for(prunable[0], settings).choose is None


@pytest.mark.parametrize(
    ("method", "choices", "hard", "decay"),
    [
        ("crisp", {"gradient": "ste"}, False, 0.0),
        ("crisp", {"gradient": "sr-ste", "sr_ste_decay": 0.5}, False, 0.5),
        ("crisp", {"gradient": "masked"}, True, 0.0),
        ("reference_compat", {}, True, 0.0),
    ],
    ids=str,
)
def test_mask_has_the_gradient_of_the_settings(method, choices, hard, decay):
    settings = of_method(method, n=1, m=2, block=2, **choices)
    prunable, _ = select_layers(nn.Sequential(nn.Linear(4, 4)), settings)
    mask = mask_for(prunable[0], settings)
    assert (mask.hard, mask.decay) == (hard, decay)


def test_gradients_stop_once_frozen():
    module, layer = masked_linear()
    layer.set_mask(MASK)
    layer.freeze()
    module(torch.ones(1, 4)).sum().backward()
    assert layer.weight.grad is not None
    assert torch.equal(layer.weight.grad != 0, MASK)
