"""``crisp train``: train a network from scratch."""

import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from crisp_sw.commands.options import AsJson, Seed
from crisp_sw.commands.terminal import emit, messages, show_figures
from crisp_sw.data.folder import Unreadable
from crisp_sw.models import MODELS
from crisp_sw.training import run_training
from crisp_sw.training_display import training_display
from crisp_sw.training_settings import TrainingSettings

_DEFAULTS = TrainingSettings()


def train(
    model: Annotated[str, typer.Option(help=f"One of {', '.join(MODELS)}.")] = "small-resnet",
    data: Annotated[
        str, typer.Option("--data", "-d", help="Data set: a name, or the path of an image folder.")
    ] = "fashion-mnist",
    out: Annotated[Path, typer.Option("--out", "-o", help="Checkpoint to write.")] = Path(
        "build/model.safetensors"
    ),
    epochs: int = _DEFAULTS.epochs,
    batch: int = _DEFAULTS.batch,
    learning_rate: Annotated[float, typer.Option(help="Highest of the schedule.")] = _DEFAULTS.learning_rate,
    schedule: Annotated[str, typer.Option(help="one-cycle or cosine.")] = _DEFAULTS.schedule,
    weight_decay: float = _DEFAULTS.weight_decay,
    label_smoothing: float = _DEFAULTS.label_smoothing,
    crop_padding: Annotated[int, typer.Option(help="Pixels of random shift.")] = _DEFAULTS.crop_padding,
    flip: Annotated[bool, typer.Option(help="Mirror images at random.")] = _DEFAULTS.flip,
    balanced: Annotated[bool, typer.Option(help="Every class equally often.")] = _DEFAULTS.balanced,
    precision: Annotated[str, typer.Option(help="float32 or bfloat16.")] = _DEFAULTS.precision,
    image_size: Annotated[int | None, typer.Option(help="Scale images to this edge.")] = None,
    unreadable: Annotated[
        Unreadable, typer.Option(help="What a missing or damaged picture of a folder means.")
    ] = "refuse",
    seed: Seed = _DEFAULTS.seed,
    resume: Annotated[bool, typer.Option(help="Continue an interrupted run.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train a network and write a checkpoint.

    Ctrl-C saves the run; --resume continues it, to the same weights.

    Example: `crisp train --model small-resnet --data fashion-mnist --out build/model.safetensors`
    """
    settings = TrainingSettings(
        epochs=epochs,
        batch=batch,
        learning_rate=learning_rate,
        schedule=schedule,
        weight_decay=weight_decay,
        label_smoothing=label_smoothing,
        crop_padding=crop_padding,
        flip=flip,
        balanced=balanced,
        precision=precision,
        seed=seed,
    )
    with training_display(messages) as progress:
        result = run_training(
            model=model,
            data=data,
            output=out,
            settings=settings,
            image_size=image_size,
            unreadable=unreadable,
            resume=resume,
            progress=progress,
            command=shlex.join(["crisp", *sys.argv[1:]]),
        )
    for problem in result.skipped:
        messages.print(f"skipped {problem}", markup=False)
    if not result.finished:
        messages.print("interrupted; the same command with --resume continues")
        raise typer.Exit(130)
    figures = {
        "checkpoint": str(out),
        "accuracy": result.accuracy,
        "settings": asdict(settings),
        "skipped": list(result.skipped),
    }
    emit(figures, as_json, lambda: show_figures(f"Wrote {out}", {"test accuracy": f"{result.accuracy:.2%}"}))
