"""The universal networks that users start from: trained on all classes of a data set, once."""

from pathlib import Path

from crisp_sw.checkpoint import load_checkpoint
from crisp_sw.data import load_dataset
from crisp_sw.errors import CheckpointError
from crisp_sw.experiment.errors import ExperimentError
from crisp_sw.training import ProgressCallback, run_training
from crisp_sw.training_settings import TrainingSettings

SHIPPED = {"resnet18-half-32px": "resnet18_half_tiny_imagenet"}
UNIVERSAL: dict[str, TrainingSettings] = {
    "resnet18-half-32px": TrainingSettings(
        epochs=30, crop_padding=4, crop_border="mirror", precision="bfloat16"
    ),
    "mobilenet-v2-half-32px": TrainingSettings(
        epochs=16,
        learning_rate=0.05,
        weight_decay=4e-5,
        crop_padding=4,
        crop_border="mirror",
        precision="bfloat16",
    ),
}


def universal_checkpoint(
    name: str,
    data: str,
    folder: Path,
    *,
    fresh: bool = False,
    progress: ProgressCallback | None = None,
    command: str = "",
) -> str:
    """Return the checkpoint of a universal network, trained here if there is none for these data.

    Parameters
    ----------
    name : a key of `UNIVERSAL`; or a checkpoint file or the name of a shipped one, which is taken as it is.
    folder : where trained checkpoints are kept. A training that was interrupted goes on.
    fresh : do not take the checkpoint that comes with the package.

    Raises
    ------
    ExperimentError : there is no such network, or its training was interrupted.
    CrispError : data or checkpoint are damaged.
    """
    if name not in UNIVERSAL:
        try:
            load_checkpoint(name)
        except CheckpointError as error:
            raise ExperimentError(f"{error}; or one of: {', '.join(UNIVERSAL)}, which are trained") from error
        return name
    path = folder / f"{name}.safetensors"
    if not path.is_file() and not fresh and _shipped_fits(name, data):
        return SHIPPED[name]
    if not path.is_file():
        result = run_training(
            model=name,
            data=data,
            output=path,
            settings=UNIVERSAL[name],
            resume=True,
            compact=True,
            progress=progress,
            command=command,
        )
        if not result.finished:
            raise ExperimentError(f"training of {name} was interrupted; the same command continues it")
    return str(path)


def _shipped_fits(name: str, data: str) -> bool:
    """Whether a checkpoint comes with the package, and for the classes of these data."""
    if name not in SHIPPED:
        return False
    _, info = load_checkpoint(SHIPPED[name])
    splits = load_dataset(data)
    return splits.classes == info.classes and splits.image_size == info.image_size
