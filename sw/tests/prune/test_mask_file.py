"""Masks on disk: a round trip, and files that do not fit."""

import pytest
import torch
from torch import nn

from crisp_sw.checkpoint import write_tensors
from crisp_sw.errors import CheckpointError
from crisp_sw.prune.errors import MaskError
from crisp_sw.prune.mask_file import load_masks, save_masks
from crisp_sw.prune.sparsifier import CrispSparsifier


def layers_of(*, seed: int):
    model = nn.Sequential(nn.Linear(32, 16), nn.Linear(16, 32))
    sparsifier = CrispSparsifier(
        sparsity=0.8, block=8, saliency="random", seed=seed, iterations=1, min_kept_share=0.0
    )
    sparsifier.prepare(model)
    sparsifier.step()
    return sparsifier.layers


def test_round_trip(tmp_path):
    first, second = layers_of(seed=0), layers_of(seed=1)
    assert not torch.equal(first["0"].mask, second["0"].mask)
    save_masks(tmp_path / "masks.safetensors", first)
    load_masks(tmp_path / "masks.safetensors", second)
    assert all(torch.equal(first[name].mask, second[name].mask) for name in first)


GOOD = {"0": torch.ones(16, 32, dtype=torch.bool), "1": torch.ones(32, 16, dtype=torch.bool)}


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
    layers = layers_of(seed=0)
    before = {name: layer.mask for name, layer in layers.items()}
    write_tensors(tmp_path / "masks.safetensors", masks, {})
    with pytest.raises(MaskError) as error:
        load_masks(tmp_path / "masks.safetensors", layers)
    assert message in str(error.value)
    assert str(tmp_path) in str(error.value)
    assert all(torch.equal(layer.mask, before[name]) for name, layer in layers.items())


def test_damaged_file(tmp_path):
    (tmp_path / "masks.safetensors").write_bytes(b"no masks")
    with pytest.raises(CheckpointError, match="not a readable safetensors file"):
        load_masks(tmp_path / "masks.safetensors", layers_of(seed=0))
