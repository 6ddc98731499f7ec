"""Masks on disk: safetensors with one bool tensor per layer, and N, M and B of each in a JSON header."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from crisp_sw.checkpoint import read_tensors, write_tensors
from crisp_sw.prune.errors import MaskError
from crisp_sw.prune.masked_layer import MaskedLayer


def save_masks(path: str | Path, layers: Mapping[str, MaskedLayer]) -> None:
    """Write the masks of ``layers``, by way of a temporary name."""
    masks = {name: layer.mask for name, layer in layers.items()}
    shapes = {
        name: {"n": layer.layer.n, "m": layer.layer.m, "block": layer.layer.grid.block}
        for name, layer in layers.items()
    }
    write_tensors(Path(path), masks, shapes)


def load_masks(path: str | Path, layers: Mapping[str, MaskedLayer]) -> None:
    """Set the masks of ``layers`` to those of a file. Either all are set, or none.

    Raises
    ------
    CheckpointError : the file is absent or damaged.
    MaskError : its layers, or their shapes, are not those of ``layers``; the message names the first one.
    """
    masks, _ = read_tensors(Path(path))
    require_fitting(masks, layers, source=str(path))
    for name, layer in layers.items():
        layer.set_mask(masks[name])


def require_fitting(masks: Mapping[str, Tensor], layers: Mapping[str, MaskedLayer], *, source: str) -> None:
    """Raise MaskError unless there is a bool mask of the right shape for each layer, and for no other."""
    for name, layer in layers.items():
        if name not in masks:
            raise MaskError(f"{source} has no mask for layer {name!r}; expected one for each pruned layer")
        mask, shape = masks[name], layer.weight.shape
        if mask.shape != shape or mask.dtype != torch.bool:
            raise MaskError(
                f"{source}: the mask of layer {name!r} is {mask.dtype} of shape {list(mask.shape)}; "
                f"expected torch.bool of shape {list(shape)}"
            )
    for name in masks:
        if name not in layers:
            raise MaskError(
                f"{source} has a mask for {name!r}, which is no pruned layer; expected {', '.join(layers)}"
            )
