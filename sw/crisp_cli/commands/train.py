"""``crisp train``: train a network from scratch."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crisp_cli.options import (
    AsJson,
    Device,
    Seed,
    SkipUnreadable,
    command_line,
    say_skipped,
    say_where_it_starts,
)
from crisp_cli.statuses import INTERRUPTED
from crisp_cli.terminal import emit, messages, show_figures
from crisp_files.atomic_directories import new_directory, require_replaceable
from crisp_files.atomic_files import require_new_file
from crisp_files.documents import write_document
from crisp_files.json_values import from_json
from crisp_sw.choices import Border
from crisp_sw.errors import TrainingError
from crisp_sw.report.step_summaries import training_summary
from crisp_sw.results.steps import Epoch, Source, TrainStep
from crisp_sw.train.settings import TrainingSettings

if TYPE_CHECKING:
    from crisp_sw.train.training import TrainedNetwork

_DEFAULTS = TrainingSettings()


def train(
    model: Annotated[
        str, typer.Option(help="small-resnet, resnet18-32px, resnet50, ...; an unknown name lists all.")
    ] = "small-resnet",
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
    precision: Annotated[
        str, typer.Option(help="float32, bfloat16, or auto for the faster one.")
    ] = _DEFAULTS.precision,
    image_size: Annotated[int | None, typer.Option(help="Scale images to this edge.")] = None,
    unreadable: SkipUnreadable = "refuse",
    device: Device = "cpu",
    seed: Seed = _DEFAULTS.seed,
    compact: Annotated[bool, typer.Option(help="Write weights in bfloat16: half the size.")] = False,
    resume: Annotated[bool, typer.Option(help="Continue an interrupted run.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train a network and write a checkpoint, every figure and a summary.

    Ctrl-C saves the run; --resume continues it, to the same weights.

    Example: `crisp train --model small-resnet --data fashion-mnist --out build/model`
    """
    from crisp_cli.training_display import training_display
    from crisp_sw.exchange.model_files import MODEL_FILE
    from crisp_sw.exchange.state_dict import SAFETENSORS
    from crisp_sw.flows.inputs.devices import find_device
    from crisp_sw.modules.mixed_precision import find_precision, has_fast_bfloat16
    from crisp_sw.train.training import run_training

    used = find_device(device)
    if crop_border != _DEFAULTS.crop_border and not crop_padding:
        raise TrainingError(f"--crop-border {crop_border} has no effect: --crop-padding 0 shifts nothing")
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
        precision=find_precision(precision, used),
        seed=seed,
    )
    whole = out.suffix != SAFETENSORS
    if whole:
        _require_free(out)
    else:
        require_new_file(out)
    if settings.precision == "bfloat16" and not has_fast_bfloat16(used):
        _say(f"{device} has no instructions for bfloat16 that are known of; float32 may be many times faster")
    state_file = out.with_name(f"{out.name}.state")
    say_where_it_starts(state_file, resume)
    with training_display(messages) as progress:
        trained = run_training(
            model=model,
            data=data,
            output=None if whole else out,
            settings=settings,
            image_size=image_size,
            unreadable=unreadable,
            device=used,
            resume=resume,
            compact=compact,
            progress=progress,
            command=command_line(),
            state_file=state_file,
            say=_say,
        )
    say_skipped(trained.skipped)
    if not trained.finished:
        messages.print("interrupted; the same command with --resume continues")
        raise typer.Exit(INTERRUPTED)
    info = trained.info
    figures = TrainStep(
        **{**vars(info), "history": from_json(tuple[Epoch, ...], list(info.history), "history")},
        source=Source(data=data, unreadable=unreadable, device=device, compact=compact),
        skipped=trained.skipped,
        training_images=trained.training_images,
        test_images=trained.test_images,
        seconds=trained.seconds,
    )
    if whole:
        _save(out, trained, figures, compact)
    shown = replace(figures, checkpoint=str(out / MODEL_FILE if whole else out))
    emit(shown, as_json, lambda: show_figures(f"Wrote {out}", {"test accuracy": f"{trained.accuracy:.2%}"}))


def _say(text: str) -> None:
    messages.print(text)


def _save(directory: Path, trained: "TrainedNetwork", figures: TrainStep, compact: bool) -> None:
    from crisp_sw.exchange.checkpoint import save_checkpoint
    from crisp_sw.exchange.model_files import MODEL_FILE, TRAINING_FILE
    from crisp_sw.exchange.packed.layout import SUMMARY_FILE

    with new_directory(directory) as temporary:
        save_checkpoint(temporary / MODEL_FILE, trained.network, trained.info, compact=compact)
        write_document(temporary / TRAINING_FILE, figures)
        (temporary / SUMMARY_FILE).write_text(training_summary(figures), encoding="utf-8")


def _require_free(directory: Path) -> None:
    """Check, before any work is done, that only an older run of this command is in a directory."""
    from crisp_sw.exchange.model_files import MODEL_FILE, TRAINING_FILE
    from crisp_sw.exchange.packed.layout import SUMMARY_FILE

    require_replaceable(directory, "trained model", (TRAINING_FILE, MODEL_FILE, SUMMARY_FILE))
