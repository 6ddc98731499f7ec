"""Masks on disk: safetensors with one bool tensor per layer, and N, M and B of each in a JSON header."""

from collections.abc import Mapping
from pathlib import Path

from crisp_sw.exchange.checkpoint import read_tensors, write_tensors
from crisp_sw.prune.masks.mask_checks import pattern_of, require_fitting, require_layers
from crisp_sw.prune.masks.masked_layer import MaskedLayer


def save_masks(path: str | Path, layers: Mapping[str, MaskedLayer]) -> None:
    """Write the masks of ``layers``, those of a sparsifier, by way of a temporary name.

    Raises
    ------
    MaskError : ``layers`` are none.
    """
    require_layers(layers)
    masks = {name: layer.mask for name, layer in layers.items()}
    write_tensors(Path(path), masks, {name: pattern_of(layer) for name, layer in layers.items()})


def load_masks(path: str | Path, layers: Mapping[str, MaskedLayer]) -> None:
    """Set the masks of ``layers`` to those of a file. Either all are set, or none.

    Raises
    ------
    CheckpointError : the file is absent or damaged.
    MaskError : its layers, their shapes, or their patterns are not those of ``layers``; the message names the
        first one. Or ``layers`` are none.
    """
    require_layers(layers)
    masks, header = read_tensors(Path(path))
    require_fitting(masks, layers, source=str(path), patterns=header)
    for name, layer in layers.items():
        layer.set_mask(masks[name])
