"""A run's state on disk, so that an interrupted training continues where it was, and the interrupt itself."""

import signal
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from crisp_files.json_values import from_json
from crisp_spec.errors import CrispError
from crisp_sw.errors import CheckpointError, TrainingError
from crisp_sw.exchange.checkpoint import load_weights, read_tensors, write_tensors
from crisp_sw.train.saved_run import other_run, restore_momentum, run_tensors, saved_weights

DIGESTS = {"data": "other images or classes; expected the same ones"}
"""What to say where digests differ, as their numbers tell nobody anything."""


@dataclass(frozen=True, kw_only=True)
class EpochReport:
    """Figures of one epoch: mean training loss, and top-1 accuracy (0 to 1) on the test images."""

    epoch: int
    loss: float
    accuracy: float


@dataclass(kw_only=True)
class TrainingState:
    """Position of a run: steps done, sum of the losses of the epoch under way, reports of the whole ones.

    ``seconds`` is the time that the steps and the evaluations took.
    """

    step: int = 0
    loss_sum: float = 0.0
    seconds: float = 0.0
    history: tuple[EpochReport, ...] = ()


def save_state(
    path: Path,
    state: TrainingState,
    model: nn.Module,
    optimizer: torch.optim.SGD,
    identity: Mapping[str, Any],
) -> None:
    """Write position, weights and momentum, by way of a temporary name.

    Parameters
    ----------
    identity : JSON-able description of the run; `load_state` demands the same one.
    """
    header = {"identity": dict(identity), "state": asdict(state)}
    write_tensors(path, run_tensors(model, optimizer), header)


def load_state(
    path: Path, model: nn.Module, optimizer: torch.optim.SGD, identity: Mapping[str, Any]
) -> TrainingState:
    """Restore what `save_state` wrote into model and optimizer, and return the position.

    Raises
    ------
    CheckpointError : the file is damaged or of another network.
    TrainingError : the state belongs to another run; the message names the first difference.
    """
    tensors, header = read_tensors(path)
    saved = header.get("identity")
    if not isinstance(saved, dict):
        raise CheckpointError(f"{path}: not the state of a training; expected one of `crisp train`")
    found = other_run(saved, identity, DIGESTS)
    if found is not None:
        raise TrainingError(f"{path} belongs to {found}")
    load_weights(model, saved_weights(tensors), source=path)
    restore_momentum(model, optimizer, tensors, source=path)
    try:
        state: TrainingState = from_json(TrainingState, header["state"], "state")
    except (KeyError, CrispError) as error:
        raise CheckpointError(f"{path}: not the state of a training ({error})") from error
    return state


class InterruptFlag:
    """Context manager that turns Ctrl-C into a flag, so that a step is never torn apart.

    Outside the main thread, where Python delivers no signals, it does nothing. A second Ctrl-C acts as usual.
    """

    def __init__(self):
        self.raised = False
        self._previous: Any = None

    def __enter__(self) -> "InterruptFlag":
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _handle(self, *_: object) -> None:
        self.raised = True
        self._restore()

    def _restore(self) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None
