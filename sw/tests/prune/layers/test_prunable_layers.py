"""Which layers are pruned, and what is said of the others."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations
from torch.nn.utils import prune as pruning
from torch.nn.utils import spectral_norm as old_spectral_norm
from torch.nn.utils import weight_norm as old_weight_norm

from crisp_sw.prune import CrispSparsifier
from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.layers.prunable_layers import DenseLayer, select_layers
from crisp_sw.prune.settings.layer_rules import LayerRule
from crisp_sw.prune.settings.methods import CrispPruning


def names_and_reasons(model, **settings):
    prunable, dense = select_layers(model, CrispPruning.of(block=8, **settings))
    return [layer.name for layer in prunable], {layer.name: layer.reason for layer in dense}


def test_kinds_of_layers(mixed_net):
    names, reasons = names_and_reasons(mixed_net)
    assert names == ["conv", "pointwise", "grouped", "linear"]
    assert reasons == {
        "stem": "too small: 1 input channels and 9 block(s) per block-row with B = 8",
        "depthwise": "depthwise convolution",
    }


def test_depthwise_layer_on_demand(mixed_net):
    names, reasons = names_and_reasons(mixed_net, depthwise="hybrid")
    assert names == ["conv", "depthwise", "pointwise", "grouped", "linear"]
    assert list(reasons) == ["stem"]


def test_grid_of_grouped_layer_is_local(mixed_net):
    prunable, _ = select_layers(mixed_net, CrispPruning.of(block=8))
    grid = next(layer.grid for layer in prunable if layer.name == "grouped")
    assert (grid.in_channels, grid.groups, grid.block_columns) == (16, 2, 18)


def test_groups_that_cross_block_borders_stay_dense():
    model = nn.Sequential(nn.Conv2d(32, 8, 1, groups=2), nn.Conv2d(8, 24, 1, groups=2), nn.Conv2d(24, 16, 1))
    names, reasons = names_and_reasons(model)
    assert names == ["2"]
    assert reasons == {
        "0": "grouped convolution: 16 input and 4 output channels per group, not both multiples of B = 8",
        "1": "grouped convolution: 4 input and 12 output channels per group, not both multiples of B = 8",
    }


def test_exclusion_by_name_and_type(mixed_net):
    names, reasons = names_and_reasons(mixed_net, exclude=("p*",), exclude_types=("Linear",))
    assert names == ["conv", "grouped"]
    assert reasons["pointwise"] == "excluded by name: p*"
    assert reasons["linear"] == "excluded by type: Linear"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"exclude": ("head",)}, "`exclude` pattern 'head' matches no layer; expected one of stem, conv, "),
        (
            {"exclude_types": ("Conv3d",)},
            "`exclude_types` 'Conv3d' matches no layer; expected one of Conv2d, Linear",
        ),
        ({"exclude": ("*",)}, "no layer of the model can be pruned .stem: excluded by name: "),
    ],
)
def test_settings_that_do_not_fit_the_model(mixed_net, settings, message):
    with pytest.raises(PruneError, match=message):
        names_and_reasons(mixed_net, **settings)


def test_model_without_weight_layers():
    with pytest.raises(PruneError, match="it has no layer with weights"):
        names_and_reasons(nn.Sequential(nn.ReLU()))


def with_upsampling() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(16, 16, 1), nn.ConvTranspose2d(16, 8, 2, bias=False), nn.BatchNorm2d(8), nn.Linear(16, 16)
    )


def test_layers_that_no_method_prunes_are_named_and_counted():
    prunable, dense = select_layers(with_upsampling(), CrispPruning.of(block=8))
    assert [layer.name for layer in prunable] == ["0", "3"]
    reason = "ConvTranspose2d: only Conv2d and Linear can be pruned"
    assert dense == [DenseLayer(name="1", weights=16 * 8 * 2 * 2, reason=reason)]


@pytest.mark.parametrize(
    "settings",
    [
        {"exclude_types": ("ConvTranspose2d",)},
        {"exclude": ("1",)},
        {"rules": (LayerRule(type="ConvTranspose2d", dense=True),)},
    ],
    ids=str,
)
def test_what_stays_dense_anyway_may_be_excluded(settings):
    names, reasons = names_and_reasons(with_upsampling(), **settings)
    assert names == ["0", "3"]
    assert reasons == {"1": "ConvTranspose2d: only Conv2d and Linear can be pruned"}


def test_what_stays_dense_anyway_gets_no_pattern():
    message = (
        "the rule for name '1' names '1', a ConvTranspose2d, which cannot be pruned; expected a Conv2d or"
    )
    with pytest.raises(PruneError, match=message):
        names_and_reasons(with_upsampling(), rules=(LayerRule(name="1", n=2),))


@pytest.mark.parametrize(("share", "floor"), [(0.0, 1), (0.5, 5), (1.0, 10)])
def test_floor_is_a_share_of_uniform_density(mixed_net, share, floor):
    prunable, _ = select_layers(mixed_net, CrispPruning.of(block=8, n=1, sparsity=0.85, min_kept_share=share))
    assert prunable[0].grid.block_columns == 18
    assert prunable[0].least_blocks == floor


@pytest.mark.parametrize(("choice", "floor"), [("fine", 9), ("hybrid", 1)])
def test_small_layers_can_be_pruned(mixed_net, choice, floor):
    prunable, dense = select_layers(
        mixed_net, CrispPruning.of(block=8, small_layers=choice, min_kept_share=0.0)
    )
    assert [layer.name for layer in prunable] == ["stem", "conv", "pointwise", "grouped", "linear"]
    assert [layer.name for layer in dense] == ["depthwise"]
    assert prunable[0].least_blocks == floor


def test_layer_with_one_block_per_row_is_small():
    names, reasons = names_and_reasons(nn.Sequential(nn.Linear(8, 32), nn.Linear(32, 8)))
    assert names == ["1"]
    assert reasons["0"].startswith("too small: 8 input channels and 1 block(s)")


def test_shared_weights_stay_dense():
    first, second = nn.Linear(16, 16), nn.Linear(16, 16)
    second.weight = first.weight
    model = nn.Sequential(first, second, nn.Linear(16, 16))
    names, reasons = names_and_reasons(model)
    assert names == ["2"]
    assert reasons == dict.fromkeys(("0", "1"), "shares its weight with another layer")


def test_layer_used_twice_is_one_layer():
    layer = nn.Linear(16, 16)
    names, reasons = names_and_reasons(nn.Sequential(layer, nn.ReLU(), layer))
    assert (names, reasons) == (["0"], {})


def test_parametrized_weight_stays_dense():
    torch.manual_seed(0)
    model = nn.Sequential(parametrizations.weight_norm(nn.Linear(16, 16)), nn.Linear(16, 16))
    names, reasons = names_and_reasons(model)
    assert names == ["1"]
    assert reasons == {"0": "its weight is computed by a parametrization"}


@pytest.mark.parametrize(
    "hook",
    [
        lambda layer: pruning.l1_unstructured(layer, "weight", 0.5),
        old_weight_norm,
        old_spectral_norm,
    ],
    ids=["prune", "weight_norm", "spectral_norm"],
)
@pytest.mark.filterwarnings("ignore:.*is deprecated in favor of:FutureWarning")
def test_weight_that_a_hook_computes_stays_dense(hook):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 16))
    hook(model[0])
    sparsifier = CrispSparsifier(block=8, saliency="magnitude", sparsity=0.8, min_kept_share=0.0)
    sparsifier.prepare(model)
    sparsifier.step()
    sparsifier.squash_mask()
    assert list(sparsifier.layers) == ["1"]
    (dense,) = sparsifier.dense_layers
    assert dense.reason.startswith("its weight is no parameter: a hook computes it")
    assert model(torch.ones(1, 16)).shape == (1, 16)
