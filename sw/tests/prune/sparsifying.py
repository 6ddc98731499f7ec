"""Sparsifiers and gradients for their tests."""

import torch
from torch import nn
from torch.nn import functional

from crisp_sw.prune.sparsifier.sparsifier import CrispSparsifier

CHOICES = {"sparsity": 0.75, "n": 2, "m": 4, "block": 8, "min_kept_share": 0.0, "iterations": 3}


def prepared(model: nn.Module, config=None, **changes) -> CrispSparsifier:
    sparsifier = CrispSparsifier(**{**CHOICES, **changes})
    sparsifier.prepare(model, config)
    return sparsifier


def backward(model, samples, dtype=torch.float32) -> None:
    model.zero_grad()
    images = samples.normalised(torch.arange(len(samples))).to(dtype)
    functional.cross_entropy(model(images), samples.labels).backward()


def half_way(model, samples) -> CrispSparsifier:
    """One step done, and gradients gathered for the next."""
    sparsifier = prepared(model)
    for _ in range(2):
        backward(model, samples)
        sparsifier.accumulate()
        if sparsifier.steps == 0:
            sparsifier.step()
    return sparsifier
