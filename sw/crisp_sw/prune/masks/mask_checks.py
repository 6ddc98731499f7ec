"""Whether masks from elsewhere, such as a file, are masks of these layers."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from crisp_sw.prune.errors import MaskError
from crisp_sw.prune.masks.masked_layer import MaskedLayer
from crisp_sw.prune.pattern.rank_columns import row_fault


def pattern_of(layer: MaskedLayer) -> dict[str, int]:
    """Return N, M and B of a layer, by these names."""
    return {"n": layer.layer.n, "m": layer.layer.m, "block": layer.layer.grid.block}


def require_layers(layers: Any) -> None:
    """Raise MaskError unless ``layers`` are those of a sparsifier, by name."""
    if not isinstance(layers, Mapping) or not all(
        isinstance(layer, MaskedLayer) for layer in layers.values()
    ):
        raise MaskError(
            "`layers` must be the layers of a CrispSparsifier, `sparsifier.layers`, not a "
            f"{type(layers).__name__}"
        )


def require_fitting(
    masks: Mapping[str, Tensor],
    layers: Mapping[str, MaskedLayer],
    *,
    source: str,
    patterns: Mapping[str, Any] | None = None,
) -> None:
    """Raise MaskError, naming the first fault, unless ``masks`` are masks that ``layers`` can have.

    Each layer needs one of its shape, with at most N weights in a group of M, and equally many blocks in
    every block-row where the method promises that; or one that keeps all, as before the first step.

    Parameters
    ----------
    source : of the masks, for the message.
    patterns : N, M and B that each mask was made for, as of :func:`pattern_of`; None does not look at them.
    """
    for name in masks:
        if name not in layers:
            raise MaskError(
                f"{source} has a mask for {name!r}, which is no pruned layer; expected {', '.join(layers)}"
            )
    for name, layer in layers.items():
        if name not in masks:
            raise MaskError(f"{source} has no mask for layer {name!r}; expected one for each pruned layer")
        fault = _shape_fault(masks[name], layer)
        if fault is None and patterns is not None:
            fault = _pattern_fault(patterns.get(name), layer)
        if fault is None and not bool(masks[name].all()):
            fault = _structure_fault(masks[name], layer)
        if fault is not None:
            raise MaskError(f"{source}: the mask of layer {name!r} {fault}")


def _shape_fault(mask: Tensor, layer: MaskedLayer) -> str | None:
    shape = layer.weight.shape
    if not isinstance(mask, Tensor):
        return f"is a {type(mask).__name__}; expected a tensor, torch.bool of shape {list(shape)}"
    if mask.shape == shape and mask.dtype == torch.bool:
        return None
    return f"is {mask.dtype} of shape {list(mask.shape)}; expected torch.bool of shape {list(shape)}"


def _pattern_fault(found: Any, layer: MaskedLayer) -> str | None:
    expected = pattern_of(layer)
    known = {name: found.get(name) for name in expected} if isinstance(found, Mapping) else {}
    if known == expected:
        return None
    return f"is for {_worded(known) or 'an unknown pattern'}; expected {_worded(expected)}"


def _structure_fault(mask: Tensor, layer: MaskedLayer) -> str | None:
    grid, n, m = layer.layer.grid, layer.layer.n, layer.layer.m
    fullest = int(grid.matrix(mask, fill=0).reshape(-1, m).sum(1).max())
    if fullest > n:
        return f"keeps {fullest} weights of a group of {m}; expected at most {n}"
    return row_fault(grid.block_sums(mask) > 0) if layer.layer.equal_rows else None


def _worded(pattern: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in pattern.items())
