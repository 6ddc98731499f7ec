"""A pruned float model on disk: a checkpoint cut to the user's classes, its patterns, and how it was made."""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from crisp_golden.network import Pattern
from crisp_sw.checkpoint import CheckpointInfo, load_checkpoint, read_tensors, save_checkpoint, write_tensors
from crisp_sw.errors import CheckpointError

MODEL_FILE = "model.safetensors"
PATTERN_FILE = "patterns.safetensors"
FIGURES_FILE = "prune.json"


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


def is_pruned_model(directory: Path) -> bool:
    """True for a directory that `save_pruned` wrote."""
    return (directory / FIGURES_FILE).is_file() and (directory / MODEL_FILE).is_file()


def save_pruned(directory: Path, pruned: PrunedModel) -> None:
    """Write a pruned model as a directory, replacing a pruned model that is already there.

    Raises
    ------
    CheckpointError : ``directory`` exists and is something else.
    """
    if directory.exists() and not is_pruned_model(directory) and any(directory.iterdir()):
        raise CheckpointError(
            f"{directory} exists and is not a pruned model; expected a new or empty directory"
        )
    temporary = directory.with_name(f".{directory.name}.{os.getpid()}.tmp")
    try:
        temporary.mkdir(parents=True)
        save_checkpoint(temporary / MODEL_FILE, pruned.model, pruned.info)
        masks = {name: torch.from_numpy(pattern.block_mask) for name, pattern in pruned.patterns.items()}
        shapes = {name: {"n": p.n, "m": p.m, "block": p.block} for name, p in pruned.patterns.items()}
        write_tensors(temporary / PATTERN_FILE, masks, shapes)
        (temporary / FIGURES_FILE).write_text(json.dumps(dict(pruned.figures), indent=1) + "\n")
        shutil.rmtree(directory, ignore_errors=True)
        os.replace(temporary, directory)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def load_pruned(path: str | Path) -> PrunedModel:
    """Read a pruned model, or a plain checkpoint as a model without patterns.

    Parameters
    ----------
    path : a directory that `save_pruned` wrote, a checkpoint file, or the name of a shipped checkpoint.

    Raises
    ------
    CheckpointError : a file is absent or damaged.
    """
    directory = Path(path)
    if not directory.is_dir():
        model, info = load_checkpoint(path)
        return PrunedModel(model=model, info=info)
    if not is_pruned_model(directory):
        raise CheckpointError(
            f"{directory}: not a pruned model; expected {FIGURES_FILE} and {MODEL_FILE} in it"
        )
    model, info = load_checkpoint(directory / MODEL_FILE)
    masks, shapes = read_tensors(directory / PATTERN_FILE)
    try:
        patterns = {
            name: Pattern(**shapes[name], block_mask=mask.numpy().astype(np.bool_))
            for name, mask in masks.items()
        }
        figures = json.loads((directory / FIGURES_FILE).read_text())
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{directory}: {PATTERN_FILE} or {FIGURES_FILE} is damaged ({error})"
        ) from error
    return PrunedModel(model=model, info=info, patterns=patterns, figures=figures)
