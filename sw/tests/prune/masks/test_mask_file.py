"""Masks on disk: a round trip, and files that do not fit."""

import pytest
import torch
from torch import nn

from crisp_sw.errors import CheckpointError
from crisp_sw.exchange.checkpoint import write_tensors
from crisp_sw.prune.errors import MaskError
from crisp_sw.prune.masks.mask_checks import pattern_of
from crisp_sw.prune.masks.mask_file import load_masks, save_masks
from crisp_sw.prune.sparsifier.sparsifier import CrispSparsifier

CHOICES = {"sparsity": 0.8, "block": 8, "saliency": "random", "iterations": 1, "min_kept_share": 0.0}


def layers_of(**choices):
    model = nn.Sequential(nn.Linear(32, 16), nn.Linear(16, 32))
    sparsifier = CrispSparsifier(**{**CHOICES, **choices})
    sparsifier.prepare(model)
    sparsifier.step()
    return sparsifier.layers


def test_round_trip(tmp_path):
    first, second = layers_of(seed=0), layers_of(seed=1)
    assert not torch.equal(first["0"].mask, second["0"].mask)
    save_masks(tmp_path / "masks.safetensors", first)
    load_masks(tmp_path / "masks.safetensors", second)
    assert all(torch.equal(first[name].mask, second[name].mask) for name in first)


@pytest.mark.parametrize("layers", [None, [], {"0": nn.Linear(32, 16)}, nn.Linear(2, 2)], ids=repr)
def test_layers_are_those_of_a_sparsifier(tmp_path, layers):
    for call in (save_masks, load_masks):
        with pytest.raises(
            MaskError, match=r"`layers` must be the layers of a CrispSparsifier, `sparsifier\.la"
        ):
            call(tmp_path / "masks.safetensors", layers)


def require_unchanged(load, layers, message: str) -> None:
    before = {name: layer.mask for name, layer in layers.items()}
    with pytest.raises(MaskError) as error:
        load()
    assert message in str(error.value)
    assert all(torch.equal(layer.mask, before[name]) for name, layer in layers.items())


GOOD = {"0": torch.ones(16, 32, dtype=torch.bool), "1": torch.ones(32, 16, dtype=torch.bool)}
PATTERNS = {name: {"n": 1, "m": 4, "block": 8} for name in GOOD}


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ({"0": GOOD["0"]}, "has no mask for layer '1'; expected one for each pruned layer"),
        (
            {**GOOD, "1": torch.ones(16, 32, dtype=torch.bool)},
            "the mask of layer '1' is torch.bool of shape [16, 32]; expected torch.bool of shape [32, 16]",
        ),
        ({**GOOD, "0": GOOD["0"].float()}, "the mask of layer '0' is torch.float32 of shape [16, 32]"),
        ({**GOOD, "fc": GOOD["0"].clone()}, "has a mask for 'fc', which is no pruned layer; expected 0, 1"),
    ],
)
def test_file_that_does_not_fit_changes_nothing(tmp_path, masks, message):
    layers, path = layers_of(), tmp_path / "masks.safetensors"
    write_tensors(path, masks, PATTERNS)
    require_unchanged(lambda: load_masks(path, layers), layers, message)
    require_unchanged(lambda: load_masks(path, layers), layers, str(path))


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"n": 2}, "the mask of layer '0' is for n = 2, m = 4, block = 8; expected n = 1, m = 4, block = 8"),
        ({"m": 8}, "the mask of layer '0' is for n = 1, m = 8, block = 8; expected n = 1, m = 4, block = 8"),
        ({"block": 4}, "is for n = 1, m = 4, block = 4; expected n = 1, m = 4, block = 8"),
        ({"method": "unstructured"}, "is for n = 4, m = 4, block = 8; expected n = 1, m = 4, block = 8"),
    ],
)
def test_masks_of_another_pattern_change_nothing(tmp_path, choices, message):
    layers, path = layers_of(), tmp_path / "masks.safetensors"
    save_masks(path, layers_of(**choices))
    require_unchanged(lambda: load_masks(path, layers), layers, message)


def test_header_that_says_nothing_of_patterns(tmp_path):
    layers, path = layers_of(), tmp_path / "masks.safetensors"
    write_tensors(path, GOOD, {})
    message = "the mask of layer '0' is for an unknown pattern; expected n = 1, m = 4, block = 8"
    require_unchanged(lambda: load_masks(path, layers), layers, message)


def with_one_more(layers, name: str, row: int) -> dict[str, torch.Tensor]:
    """The masks of ``layers``, with a weight more in ``row`` of one layer, where none is kept near it."""
    masks = {layer.name: layer.mask for layer in layers.values()}
    empty = masks[name][row].reshape(-1, 8).sum(1).argmin()
    masks[name][row, 8 * empty] = True
    return masks


@pytest.mark.parametrize("method", ["crisp", "block"])
def test_masks_whose_block_rows_differ_change_nothing(tmp_path, method):
    layers, path = (
        layers_of(method=method, sparsity=0.85 if method == "crisp" else 0.5),
        tmp_path / "masks.st",
    )
    first = layers["0"].kept_blocks
    write_tensors(path, with_one_more(layers, "0", 9), {name: pattern_of(layers[name]) for name in layers})
    fewest = int(first.sum(1)[0])
    message = f"'0' keeps {fewest} to {fewest + 1} blocks in a block-row; expected equally many in each"
    require_unchanged(lambda: load_masks(path, layers), layers, message)


def test_masks_with_too_many_in_a_group_change_nothing(tmp_path):
    layers, path = layers_of(), tmp_path / "masks.safetensors"
    masks = {name: layer.mask for name, layer in layers.items()}
    row, column = masks["1"].nonzero()[0].tolist()
    masks["1"][row, column ^ 1] = True
    write_tensors(path, masks, PATTERNS)
    message = "the mask of layer '1' keeps 2 weights of a group of 4; expected at most 1"
    require_unchanged(lambda: load_masks(path, layers), layers, message)


def test_methods_without_equal_rows_take_any_mask(tmp_path):
    layers, path = layers_of(method="unstructured"), tmp_path / "masks.safetensors"
    masks = with_one_more(layers, "0", 9)
    write_tensors(path, masks, {name: pattern_of(layer) for name, layer in layers.items()})
    load_masks(path, layers)
    assert torch.equal(layers["0"].mask, masks["0"])


def test_masks_of_before_the_first_step_can_be_loaded(tmp_path):
    layers, path = layers_of(), tmp_path / "masks.safetensors"
    write_tensors(path, GOOD, PATTERNS)
    load_masks(path, layers)
    assert all(bool(layer.mask.all()) for layer in layers.values())


def test_damaged_file(tmp_path):
    (tmp_path / "masks.safetensors").write_bytes(b"no masks")
    with pytest.raises(CheckpointError, match="not a readable safetensors file"):
        load_masks(tmp_path / "masks.safetensors", layers_of())
