"""A run on disk: after every epoch and pruning step, so that it can be interrupted and continued."""

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from crisp_files.atomic_files import require_new_file
from crisp_files.json_values import from_json
from crisp_spec.errors import CrispError
from crisp_sw.errors import CheckpointError
from crisp_sw.exchange.checkpoint import read_tensors, write_tensors
from crisp_sw.modules.modes import held_in_inference
from crisp_sw.modules.plain_state_dict import state_tensors
from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.settings.layer_rules import rules_from_json
from crisp_sw.prune.settings.prune_settings import PruneSettings
from crisp_sw.prune.settings.value_checks import require_flag
from crisp_sw.prune.tuning.samples import ClassSamples
from crisp_sw.train.saved_run import other_run, restore_momentum, run_tensors, saved_weights

STATE_FILE = "run.safetensors"
DIGESTS = {
    "model": "another model; expected the same architecture and weights",
    "frozen": "other frozen layers; expected the same ones",
    "teacher": "another teacher; expected the same architecture and weights",
    "images": "other images; expected the same ones",
    "labels": "other labels; expected the same ones",
    "unlabelled": "other unlabelled images; expected the same ones",
}
"""What to say where digests differ, as their numbers tell nobody anything."""


def require_place(directory: Any, *, resume: Any, keep_state: Any = False) -> None:
    """Check, before any work is done, that a run can be kept in ``directory``; None keeps nothing.

    Raises
    ------
    PruneError : ``directory`` is no path, or there is none where the other two need one.
    OutputFileError, FileNameError : it cannot be written to.
    """
    require_flag("resume", resume)
    require_flag("keep_state", keep_state)
    if directory is None:
        for name, value in (("resume", resume), ("keep_state", keep_state)):
            if value:
                raise PruneError(f"`{name}` without `state_dir` has no effect; expected a directory")
    elif not isinstance(directory, str | Path):
        raise PruneError(f"`state_dir` must be a path, not {directory!r}")
    else:
        require_new_file(Path(directory) / STATE_FILE)


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
        directory: str | Path | None,
        model: nn.Module,
        teacher: nn.Module | None,
        samples: ClassSamples,
        settings: PruneSettings,
        *,
        kind: str,
    ) -> Self:
        """Return the file of a run in ``directory``, known by all that its result depends on.

        Raises
        ------
        CheckpointError : the state of the model or teacher is no tensors alone.
        """
        if directory is None:
            return cls(None, {})
        taught_by = (teacher or model) if settings.training.teaching.distillation > 0 else None
        # What makes others differ comes first: with other classes, the images are others too.
        identity = {
            "kind": kind,
            "classes": None if samples.classes is None else list(samples.classes),
            "samples": len(samples),
            **settings.to_json(),
            "mean": [float(value) for value in samples.mean],
            "std": [float(value) for value in samples.std],
            "model": fingerprint(state_tensors(model)),
            "frozen": _frozen(model),
            "teacher": None if taught_by is None else fingerprint(state_tensors(taught_by)),
            "images": fingerprint({"images": samples.images}),
            "labels": fingerprint({"labels": samples.labels}),
            "unlabelled": _transfer_set_digest(samples, settings),
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
        header = {"identity": self._identity, "state": asdict(state)}
        write_tensors(self.path, run_tensors(model, optimizer), header)

    def load(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> RunState:
        """Restore what was saved into model and optimizer, and return the position; the start if nothing was.

        Raises
        ------
        CheckpointError : the file is damaged.
        PruneError : it belongs to another run; the message names the first difference.
        """
        if self.path is None or not self.path.exists():
            return RunState()
        tensors, header = self._read(self.path)
        try:
            model.load_state_dict(saved_weights(tensors))
            restore_momentum(model, optimizer, tensors, source=self.path)
            state: RunState = from_json(RunState, header["state"], "state")
        except (KeyError, RuntimeError, CrispError) as error:
            raise CheckpointError(f"{self.path}: not the state of a pruning run ({error})") from error
        return state

    def weights(self) -> dict[str, Tensor]:
        """Return the state dict of the saved model, whose shapes may be others than the given model's.

        Raises
        ------
        CheckpointError : the file is absent or damaged.
        PruneError : it belongs to another run.
        """
        return saved_weights(self._read(self.path or Path())[0])

    def remove(self) -> None:
        """Delete the file: the run is finished."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _read(self, path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
        tensors, header = read_tensors(path)
        saved = header.get("identity")
        if not isinstance(saved, dict):
            raise CheckpointError(f"{path}: not the state of a pruning run; expected one of `crisp prune`")
        found = other_run(_in_todays_words(saved), self._identity, DIGESTS)
        if found is not None:
            raise PruneError(f"{path} belongs to {found}")
        return tensors, header


def _in_todays_words(identity: dict[str, Any]) -> dict[str, Any]:
    """Return a saved identity with its rules as they are written today: by what they set alone."""
    try:
        rules = [rule.to_json() for rule in rules_from_json(identity.get("rules", ()))]
    except PruneError:
        return identity  # it differs from any other, and is shown as it is
    return {**identity, "rules": rules}


def _frozen(model: nn.Module) -> list[str]:
    """Return the names of what training leaves as it is: parameters, and modules held in inference mode."""
    held = set(held_in_inference(model))
    parameters = [name for name, parameter in model.named_parameters() if not parameter.requires_grad]
    return [*parameters, *(name for name, module in model.named_modules() if module in held)]


def _transfer_set_digest(samples: ClassSamples, settings: PruneSettings) -> str | None:
    if samples.unlabelled is None or not settings.training.teaching.unlabelled_batch:
        return None
    return fingerprint({"unlabelled": samples.unlabelled})


def fingerprint(tensors: dict[str, Tensor]) -> str:
    """Return the SHA-256 of names, types, shapes and values."""
    digest = hashlib.sha256()
    for name, value in tensors.items():
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
