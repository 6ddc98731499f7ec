"""``crisp train``: train a network from scratch."""

import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from crisp_sw.atomic_directories import is_free
from crisp_sw.atomic_files import write_bytes
from crisp_sw.checkpoint import MODEL_FILE, TRAINING_FILE
from crisp_sw.commands.options import AsJson, Seed
from crisp_sw.commands.terminal import emit, messages, show_figures
from crisp_sw.data.augment import Border
from crisp_sw.data.folder import Unreadable
from crisp_sw.errors import CheckpointError
from crisp_sw.export.layout import SUMMARY_FILE
from crisp_sw.export.state_dict import SAFETENSORS
from crisp_sw.models import MODELS
from crisp_sw.steps.json_files import write_json
from crisp_sw.steps.summaries import training_summary
from crisp_sw.training import run_training
from crisp_sw.training_display import training_display
from crisp_sw.training_settings import TrainingSettings

_DEFAULTS = TrainingSettings()


def train(
    model: Annotated[str, typer.Option(help=f"One of {', '.join(MODELS)}.")] = "small-resnet",
    data: Annotated[
        str, typer.Option("--data", "-d", help="Data set: a name, or the path of an image folder.")
    ] = "fashion-mnist",
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Directory to write, or the checkpoint alone: *.safetensors.")
    ] = Path("build/model"),
    epochs: int = _DEFAULTS.epochs,
    batch: int = _DEFAULTS.batch,
    learning_rate: Annotated[float, typer.Option(help="Highest of the schedule.")] = _DEFAULTS.learning_rate,
    schedule: Annotated[str, typer.Option(help="one-cycle or cosine.")] = _DEFAULTS.schedule,
    weight_decay: float = _DEFAULTS.weight_decay,
    label_smoothing: float = _DEFAULTS.label_smoothing,
    crop_padding: Annotated[int, typer.Option(help="Pixels of random shift.")] = _DEFAULTS.crop_padding,
    crop_border: Annotated[
        Border, typer.Option(help="What a shift brings in: black or mirror.")
    ] = _DEFAULTS.crop_border,
    flip: Annotated[bool, typer.Option(help="Mirror images at random.")] = _DEFAULTS.flip,
    balanced: Annotated[bool, typer.Option(help="Every class equally often.")] = _DEFAULTS.balanced,
    precision: Annotated[str, typer.Option(help="float32 or bfloat16.")] = _DEFAULTS.precision,
    image_size: Annotated[int | None, typer.Option(help="Scale images to this edge.")] = None,
    unreadable: Annotated[
        Unreadable, typer.Option(help="What a missing or damaged picture of a folder means.")
    ] = "refuse",
    seed: Seed = _DEFAULTS.seed,
    compact: Annotated[bool, typer.Option(help="Write weights in bfloat16: half the size.")] = False,
    resume: Annotated[bool, typer.Option(help="Continue an interrupted run.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train a network and write a checkpoint, every figure and a summary.

    Ctrl-C saves the run; --resume continues it, to the same weights.

    Example: `crisp train --model small-resnet --data fashion-mnist --out build/model`
    """
    settings = TrainingSettings(
        epochs=epochs,
        batch=batch,
        learning_rate=learning_rate,
        schedule=schedule,
        weight_decay=weight_decay,
        label_smoothing=label_smoothing,
        crop_padding=crop_padding,
        crop_border=crop_border,
        flip=flip,
        balanced=balanced,
        precision=precision,
        seed=seed,
    )
    checkpoint = out if out.suffix == SAFETENSORS else out / MODEL_FILE
    if checkpoint != out:
        _require_free(out)
    command = shlex.join(["crisp", *sys.argv[1:]])
    with training_display(messages) as progress:
        result = run_training(
            model=model,
            data=data,
            output=checkpoint,
            settings=settings,
            image_size=image_size,
            resume=resume,
            compact=compact,
            progress=progress,
            command=command,
        )
    if not result.finished:
        messages.print("interrupted; the same command with --resume continues")
        raise typer.Exit(130)
    figures = {
        "checkpoint": str(checkpoint),
        "model": model,
        "dataset": data,
        "accuracy": result.accuracy,
        "settings": asdict(settings),
        "history": [asdict(report) for report in result.history],
        "command": command,
    }
    if checkpoint != out:
        write_bytes(out / SUMMARY_FILE, training_summary(figures).encode())
        write_json(out / TRAINING_FILE, figures)
    emit(figures, as_json, lambda: show_figures(f"Wrote {out}", {"test accuracy": f"{result.accuracy:.2%}"}))


def _require_free(directory: Path) -> None:
    """Check, before any work is done, that only an older run of this command is in a directory."""
    ours = {MODEL_FILE, f"{MODEL_FILE}.state", TRAINING_FILE, SUMMARY_FILE}
    if not is_free(directory) and not (directory.is_dir() and {p.name for p in directory.iterdir()} <= ours):
        raise CheckpointError(
            f"{directory} exists and is no trained model; expected a new or empty directory, "
            f"or a name that ends in {SAFETENSORS}"
        )
