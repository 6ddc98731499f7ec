"""One cell, from the universal network to its figures: what a task of the sweep computes."""

import copy
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import nn

from crisp_golden.arithmetic.network import Pattern, QuantizedNetwork
from crisp_spec.config import CoreConfig, NamedConfig, named_preset
from crisp_spec.errors import CrispError
from crisp_sw.exchange.checkpoint import load_weights
from crisp_sw.flows.experiment.cells.cell import Cell
from crisp_sw.flows.experiment.cells.cell_result import CellResult
from crisp_sw.flows.experiment.cells.recipe import Recipe
from crisp_sw.flows.experiment.cells.user import User, load_user
from crisp_sw.flows.experiment.malloc_settings import keep_freed_memory
from crisp_sw.flows.experiment.results.cell_costs import core_costs, float_costs
from crisp_sw.flows.steps import int8_accuracy
from crisp_sw.prune import PruneSettings, UnreachableSparsityError, fine_tune_dense, prune_for_classes
from crisp_sw.quantize import quantize_model
from crisp_sw.train.evaluation import evaluate

CALIBRATION_IMAGES = 512


@dataclass(frozen=True, kw_only=True)
class CellTask:
    """All that a worker needs to know; small, and the same on every machine.

    Attributes
    ----------
    checkpoint, data : paths that the worker can read.
    data_digest : of what the data hold.
    state : folder where an interrupted cell goes on; its parent is there where workers share the disk.
    core : whose cycles are predicted.
    threads : of the worker's torch; results of different numbers differ in the last bits.
    """

    cell: Cell
    recipe: Recipe
    checkpoint: str
    data: str
    data_digest: str
    state: str | None = None
    core: NamedConfig = field(default_factory=lambda: named_preset("edge"))
    threads: int = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class CellOutcome:
    """What comes back.

    Attributes
    ----------
    result : with ``error`` if the method cannot reach the cell's target; None if there is none.
    problem : why there is none, though there may be one when the cell is run again.
    weights : of the float model, as safetensors.
    network : the int8 network, if it could be quantized.
    """

    result: CellResult | None = None
    problem: str = ""
    weights: bytes | None = None
    network: QuantizedNetwork | None = None


def run_cell(task: CellTask, dense_weights: bytes | None = None) -> CellOutcome:
    """Prune, fine-tune and measure.

    Parameters
    ----------
    dense_weights : of the dense network fine-tuned for the same user; not read for a dense cell.

    Returns
    -------
    The outcome; a target that cannot be reached is one too, with the message as its ``error``.
    """
    torch.set_num_threads(task.threads)
    keep_freed_memory()
    state = _state_folder(task)
    try:
        outcome = _run(task, dense_weights, state)
    except UnreachableSparsityError as error:
        outcome = CellOutcome(result=CellResult(cell=task.cell, error=str(error)))
    except CrispError as error:
        outcome = CellOutcome(problem=str(error))
    if state is not None:
        shutil.rmtree(state, ignore_errors=True)
    return outcome


def _state_folder(task: CellTask) -> Path | None:
    """Where the cell's state is kept; None on a machine that does not have the folder of the results."""
    if task.state is None or not os.access(Path(task.state).parent, os.W_OK):
        return None
    return Path(task.state)


def _run(task: CellTask, dense_weights: bytes | None, state: Path | None) -> CellOutcome:
    settings = task.recipe.prune_settings(task.cell)
    user = load_user(
        task.checkpoint,
        task.data,
        classes=task.cell.classes,
        seed=task.cell.class_seed,
        unlabelled=settings.training.teaching.unlabelled_batch > 0,
    )
    started, resumed = time.perf_counter(), state is not None and state.exists()
    try:
        tuned = _tuned(task, user, settings, dense_weights, state)
    except CrispError:
        if state is None or not resumed:
            raise
        # The fault may lie in what an interrupted run left, of other settings perhaps: once more without it.
        shutil.rmtree(state)
        tuned = _tuned(task, user, settings, dense_weights, state)
    seconds = None if resumed else time.perf_counter() - started
    measured = CellResult(
        cell=task.cell,
        class_names=user.names,
        validation_images=len(user.test),
        accuracy_before=tuned.accuracy_before,
        accuracy=evaluate(tuned.model, user.test, user.info.normalization),
        sparsity=tuned.sparsity,
        seconds=seconds,
        settings=settings.to_json(),
    )
    result, network = _with_costs(measured, tuned, user, task.core.config)
    weights = save({name: value.contiguous() for name, value in tuned.model.state_dict().items()})
    return CellOutcome(result=result, weights=weights, network=network)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Tuned:
    """A model, and what tuning it gave."""

    model: nn.Module
    patterns: Mapping[str, Pattern]
    sparsity: float
    accuracy_before: float | None = None


def _tuned(
    task: CellTask, user: User, settings: PruneSettings, dense_weights: bytes | None, state: Path | None
) -> _Tuned:
    kept: dict[str, Any] = {} if state is None else {"state_dir": state, "resume": True}
    if task.cell.method == "dense":
        before = evaluate(user.model, user.test, user.info.normalization)
        model = fine_tune_dense(user.model, user.samples, settings, **kept)
        return _Tuned(model=model, patterns={}, sparsity=0.0, accuracy_before=before)
    dense = copy.deepcopy(user.model)
    if dense_weights is not None:
        load_weights(dense, load(dense_weights), source="the dense network")
    start = dense if task.recipe.start == "dense" else user.model
    teacher = dense if task.recipe.teacher == "dense" else user.model
    pruned = prune_for_classes(start, user.samples, settings, teacher=teacher, **kept)
    return _Tuned(model=pruned.model, patterns=pruned.patterns, sparsity=pruned.report.sparsity)


def _with_costs(
    result: CellResult, tuned: _Tuned, user: User, config: CoreConfig
) -> tuple[CellResult, QuantizedNetwork | None]:
    """The result with what the network costs, and the integer network, if there is one."""
    channels, (height, width) = user.info.in_channels, user.info.image_size
    costs = float_costs(tuned.model, (channels, height, width))
    result = replace(result, **vars(costs), model_sparsity=costs.sparsity)
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randperm(len(user.samples), generator=generator)[:CALIBRATION_IMAGES]
    try:
        network = quantize_model(
            tuned.model, user.samples.normalised(chosen), classes=user.names, patterns=tuned.patterns
        )
    except CrispError as error:
        return replace(result, not_quantized=str(error)), None
    int8 = int8_accuracy(network, user.test, user.info.normalization)
    return replace(result, accuracy_int8=int8, **vars(core_costs(network, config))), network
