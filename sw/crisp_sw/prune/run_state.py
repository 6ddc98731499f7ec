"""A run on disk: after every epoch and pruning step, so that it can be interrupted and continued."""

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from crisp_sw.checkpoint import read_tensors, write_tensors
from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.samples import ClassSamples
from crisp_sw.prune.settings import PruneSettings

STATE_FILE = "run.safetensors"
MODEL, MOMENTUM = "model.", "momentum."


@dataclass(kw_only=True)
class RunState:
    """How far a run has come.

    Attributes
    ----------
    iteration, epoch : pruning steps and epochs done.
    last : statistics of the last epoch since the last pruning step, as JSON types.
    history : JSON types of each finished iteration's report.
    """

    iteration: int = 0
    epoch: int = 0
    last: dict[str, float] | None = None
    history: list[dict[str, Any]] = field(default_factory=list)


class RunFile:
    """Where a run is kept: one file of safetensors with a JSON header, replaced as a whole; or nowhere.

    Parameters
    ----------
    path : None keeps nothing: saving does nothing, loading starts from the beginning.
    identity : JSON types that a saved run must agree with.
    """

    def __init__(self, path: Path | None, identity: dict[str, Any]):
        self.path, self._identity = path, identity

    @classmethod
    def of(
        cls,
        directory: Path | None,
        model: nn.Module,
        samples: ClassSamples,
        settings: PruneSettings,
        *,
        kind: str,
    ) -> Self:
        """Return the file of a run in ``directory``, known by its settings, samples and the given weights."""
        if directory is None:
            return cls(None, {})
        identity = {
            "kind": kind,
            "model": fingerprint(model.state_dict()),
            "samples": fingerprint({"images": samples.images, "labels": samples.labels}),
            **settings.to_json(),
        }
        return cls(Path(directory) / STATE_FILE, identity)

    @property
    def exists(self) -> bool:
        """Whether a run is saved."""
        return self.path is not None and self.path.exists()

    def save(self, state: RunState, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Write position, weights, masks and momentum."""
        if self.path is None:
            return
        # Copies, as safetensors refuses tensors that share memory, and weights may be tied.
        tensors = {MODEL + name: value.clone() for name, value in model.state_dict().items()}
        for name, parameter in model.named_parameters():
            momentum = optimizer.state[parameter].get("momentum_buffer")
            if momentum is not None:
                tensors[MOMENTUM + name] = momentum
        write_tensors(self.path, tensors, {"identity": self._identity, "state": asdict(state)})

    def load(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> RunState:
        """Restore what was saved into model and optimizer, and return the position; the start if nothing was.

        Raises
        ------
        CheckpointError : the file is damaged.
        PruneError : it belongs to another run; the message names the first difference.
        """
        if self.path is None or not self.path.exists():
            return RunState()
        tensors, header = read_tensors(self.path)
        self._require_same(header.get("identity", {}))
        model.load_state_dict(_weights(tensors))
        for name, parameter in model.named_parameters():
            if MOMENTUM + name in tensors:
                buffer = torch.empty_like(parameter).copy_(tensors[MOMENTUM + name])
                optimizer.state[parameter]["momentum_buffer"] = buffer.detach()
        return RunState(**header["state"])

    def weights(self) -> dict[str, Tensor]:
        """Return the state dict of the saved model, whose shapes may be others than the given model's.

        Raises
        ------
        CheckpointError : the file is absent or damaged.
        """
        return _weights(read_tensors(self.path or Path())[0])

    def remove(self) -> None:
        """Delete the file: the run is finished."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _require_same(self, saved: dict[str, Any]) -> None:
        for name, value in self._identity.items():
            if saved.get(name) != value:
                raise PruneError(
                    f"{self.path} belongs to a run with {name} = {saved.get(name)!r}; expected {value!r}"
                )


def _weights(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(MODEL): value for name, value in tensors.items() if name.startswith(MODEL)}


def fingerprint(tensors: dict[str, Tensor]) -> str:
    """Return the SHA-256 of names, types, shapes and values."""
    digest = hashlib.sha256()
    for name, value in tensors.items():
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
