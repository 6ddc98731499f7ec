"""A pruned float model on disk: a checkpoint cut to the user's classes, its patterns, and how it was made."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from crisp_files.atomic_directories import new_directory, require_replaceable
from crisp_files.input_files import read_regular
from crisp_files.json_toml import parse_json
from crisp_golden.arithmetic.network import Pattern
from crisp_golden.format.pattern import check_structure
from crisp_golden.format.weight_matrix import expand_groups
from crisp_spec.errors import PatternError
from crisp_sw.errors import CheckpointError
from crisp_sw.exchange.checkpoint import (
    CheckpointInfo,
    load_checkpoint,
    read_tensors,
    save_checkpoint,
    write_tensors,
)
from crisp_sw.exchange.model_files import (
    MASK_FILE,
    MODEL_FILE,
    PATTERN_FILE,
    PRUNING_FILE,
    is_checkpoint_directory,
    is_pruned_model,
)
from crisp_sw.exchange.packed.layout import SUMMARY_FILE

MAX_FIGURES_BYTES = 1 << 27


@dataclass(frozen=True, kw_only=True, eq=False)
class PrunedModel:
    """A float model and the sparsity it has.

    Attributes
    ----------
    model : with weights that are exactly 0 where they were pruned, in evaluation mode.
    info : of the model; ``classes`` are the user's, in the order of its outputs.
    patterns : by layer name; empty for a dense model.
    figures : JSON types: settings, accuracies, sparsity of every layer.
    """

    model: nn.Module
    info: CheckpointInfo
    patterns: Mapping[str, Pattern] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)


def save_pruned(directory: Path, pruned: PrunedModel, *, summary: str = "") -> None:
    """Write a pruned model as a directory, replacing a pruned model that is already there.

    Beside model, patterns and figures there are the masks of all pruned layers, bool of the weight's shape,
    and ``summary``, Markdown for people.

    Raises
    ------
    OccupiedDirectoryError : ``directory`` exists and is something else.
    """
    require_pruned_or_free(directory)
    with new_directory(directory) as temporary:
        save_checkpoint(temporary / MODEL_FILE, pruned.model, pruned.info)
        blocks = {name: torch.from_numpy(pattern.block_mask) for name, pattern in pruned.patterns.items()}
        shapes = {name: {"n": p.n, "m": p.m, "block": p.block} for name, p in pruned.patterns.items()}
        write_tensors(temporary / PATTERN_FILE, blocks, shapes)
        write_tensors(temporary / MASK_FILE, weight_masks(pruned.model, pruned.patterns), shapes)
        (temporary / PRUNING_FILE).write_text(json.dumps(dict(pruned.figures), indent=1) + "\n")
        if summary:
            (temporary / SUMMARY_FILE).write_text(summary, encoding="utf-8")


def require_pruned_or_free(directory: Path) -> None:
    """Check, before any work is done, that a pruned model may go to ``directory``.

    Raises
    ------
    OccupiedDirectoryError : it exists and is something else.
    """
    require_replaceable(
        directory, "pruned model", (PRUNING_FILE, MODEL_FILE, PATTERN_FILE, MASK_FILE, SUMMARY_FILE)
    )


def load_pruned(path: str | Path) -> PrunedModel:
    """Read a pruned model, or a plain checkpoint as a model without patterns.

    Parameters
    ----------
    path : a directory that `save_pruned` wrote, a checkpoint file or the directory of one, or the name of a
        shipped checkpoint.

    Raises
    ------
    CheckpointError : a file is absent or damaged, or the weights do not have the patterns or the masks.
    """
    directory = Path(path)
    if is_checkpoint_directory(directory) or not directory.is_dir():
        model, info = load_checkpoint(path)
        return PrunedModel(model=model, info=info)
    if not is_pruned_model(directory):
        raise CheckpointError(
            f"{directory}: not a pruned model; expected {PRUNING_FILE} and {MODEL_FILE} in it"
        )
    model, info = load_checkpoint(directory / MODEL_FILE)
    masks, shapes = read_tensors(directory / PATTERN_FILE)
    patterns = {name: _pattern(directory / PATTERN_FILE, name, mask, shapes) for name, mask in masks.items()}
    figures = _read_figures(directory / PRUNING_FILE)
    try:
        check_patterns(model, patterns)
    except PatternError as error:
        raise CheckpointError(f"{directory / PATTERN_FILE} does not fit {MODEL_FILE}: {error}") from error
    _check_masks(model, patterns, directory / MASK_FILE)
    return PrunedModel(model=model, info=info, patterns=patterns, figures=figures)


def _pattern(path: Path, name: str, mask: Tensor, shapes: Mapping[str, Any]) -> Pattern:
    """The pattern of a layer, of integers only; whether they make sense is for `check_patterns` to say."""
    shape = shapes.get(name)
    if not isinstance(shape, dict) or shape.keys() != {"n", "m", "block"}:
        raise CheckpointError(f"{path}: layer {name!r} has {shape!r}; expected its n, m and block")
    for key, value in shape.items():
        if not isinstance(value, int) or isinstance(value, bool):
            raise CheckpointError(f"{path}: `{key}` of layer {name!r} must be an integer, not {value!r}")
    if mask.dtype != torch.bool or mask.dim() != 2:
        found = f"{mask.dtype}{list(mask.shape)}"
        raise CheckpointError(
            f"{path}: the blocks of layer {name!r} must be bool[rows, columns], not {found}"
        )
    return Pattern(**shape, block_mask=mask.numpy())


def _read_figures(path: Path) -> dict[str, Any]:
    try:
        figures = parse_json(read_regular(path, MAX_FIGURES_BYTES))
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise CheckpointError(f"{path}: not valid JSON ({error}); the file is damaged") from error
    if not isinstance(figures, dict):
        raise CheckpointError(f"{path}: expected figures by name, not {figures!r}")
    return figures


def weight_masks(model: nn.Module, names: Iterable[str]) -> dict[str, Tensor]:
    """Which weights of the named layers are not 0: bool, by layer name."""
    return {name: model.get_parameter(f"{name}.weight") != 0 for name in names}


def _check_masks(model: nn.Module, patterns: Mapping[str, Pattern], path: Path) -> None:
    found, _ = read_tensors(path)
    for name, mask in weight_masks(model, patterns).items():
        if name not in found:
            raise CheckpointError(
                f"{path} has no mask for layer {name!r}; expected one for each pruned layer"
            )
        if found[name].dtype != torch.bool or not torch.equal(found[name], mask):
            raise CheckpointError(
                f"{path} does not fit {MODEL_FILE}: the mask of layer {name!r} is {found[name].dtype}"
                f"{list(found[name].shape)}; expected bool{list(mask.shape)}, True where weights are not 0"
            )
    if extra := sorted(found.keys() - patterns.keys()):
        raise CheckpointError(
            f"{path} has a mask for {extra[0]!r}, which is no pruned layer; expected {', '.join(patterns)}"
        )


def check_patterns(model: nn.Module, patterns: Mapping[str, Pattern]) -> None:
    """Check that layers have the patterns that are claimed for them; a Linear layer is one tap.

    Raises
    ------
    PatternError : there is no such layer, or its weights break the pattern; names it and the first place.
    """
    layers = {
        name: layer for name, layer in model.named_modules() if isinstance(layer, nn.Conv2d | nn.Linear)
    }
    for name, pattern in patterns.items():
        if name not in layers:
            raise PatternError(f"{name}: no such layer; expected one of {', '.join(layers)}")
        layer = layers[name]
        weight = layer.weight.detach().float().numpy()
        if isinstance(layer, nn.Conv2d):
            check_structure(expand_groups(weight, layer.groups), pattern, name)
        else:
            check_structure(weight[:, :, None, None], pattern, name)
