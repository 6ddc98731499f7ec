"""The universal networks that users start from: trained on all classes of a data set, once."""

from dataclasses import replace
from pathlib import Path

from crisp_sw.data import load_dataset
from crisp_sw.data.digest import data_digest
from crisp_sw.errors import CheckpointError
from crisp_sw.exchange.checkpoint import load_checkpoint
from crisp_sw.flows.experiment.cells.cell import ExperimentError
from crisp_sw.flows.experiment.universal_settings import SHIPPED, UNIVERSAL
from crisp_sw.train.training import ProgressCallback, run_training


def find_universal(name: str, data: str, folder: Path, *, fresh: bool = False) -> str | None:
    """Return the checkpoint of a universal network, or None if it has to be trained first.

    Parameters
    ----------
    name : a key of `UNIVERSAL`; or a checkpoint file or the name of a shipped one, which is taken as it is.
    folder : where trained checkpoints are kept.
    fresh : do not take the checkpoint that comes with the package.

    Raises
    ------
    ExperimentError : there is no such network.
    CrispError : data or checkpoint are damaged.
    """
    if name not in UNIVERSAL:
        try:
            load_checkpoint(name)
        except CheckpointError as error:
            raise ExperimentError(f"{error}; or one of: {', '.join(UNIVERSAL)}, which are trained") from error
        return name
    path = _trained(name, data, folder)
    if path.is_file():
        return str(path)
    return SHIPPED[name] if not fresh and _shipped_fits(name, data) else None


def train_universal(
    name: str,
    data: str,
    folder: Path,
    *,
    precision: str = "float32",
    progress: ProgressCallback | None = None,
    command: str = "",
) -> str:
    """Train a universal network, or go on where a training was interrupted, and return its checkpoint.

    Parameters
    ----------
    precision : as in `TrainingSettings`.

    Raises
    ------
    ExperimentError : the training was interrupted.
    """
    path = _trained(name, data, folder)
    result = run_training(
        model=name,
        data=data,
        output=path,
        settings=replace(UNIVERSAL[name], precision=precision),
        resume=True,
        compact=True,
        progress=progress,
        command=command,
    )
    if not result.finished:
        raise ExperimentError(f"training of {name} was interrupted; the same command continues it")
    return str(path)


def _trained(name: str, data: str, folder: Path) -> Path:
    """The checkpoint's file, whose name changes with the images: other data get a network of their own."""
    return folder / f"{name}-{data_digest(load_dataset(data))[:12]}.safetensors"


def _shipped_fits(name: str, data: str) -> bool:
    """Whether a checkpoint comes with the package, and for the classes of these data."""
    if name not in SHIPPED:
        return False
    _, info = load_checkpoint(SHIPPED[name])
    splits = load_dataset(data)
    return splits.classes == info.classes and splits.image_size == info.image_size
