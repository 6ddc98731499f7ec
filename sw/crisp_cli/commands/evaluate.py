"""``crisp evaluate``: accuracy of a checkpoint, a pruned model or a quantized network."""

from pathlib import Path
from typing import Annotated, Any

import typer

from crisp_cli.options import (
    DEFAULT_CHECKPOINT,
    AsJson,
    Data,
    Device,
    ImageSize,
    ModelName,
    Normalize,
    SkipUnreadable,
    Weights,
    command_line,
    foreign_weights,
    say_skipped,
    source_of,
)
from crisp_cli.terminal import emit, show_figures, step_display
from crisp_sw.flows.steps.step_directory import SUMMARY_FILE, require_free, write_step
from crisp_sw.report.step_summaries import accuracy_figures, evaluation_summary
from crisp_sw.results.steps import EvaluateStep


def evaluate(
    path: Annotated[
        str | None,
        typer.Argument(
            help="Checkpoint, pruned model, packed network or ONNX file.", show_default=DEFAULT_CHECKPOINT
        ),
    ] = None,
    data: Data = None,
    classes: Annotated[
        str | None, typer.Option("--classes", "-c", help="Also judge on these of its classes alone.")
    ] = None,
    weights: Weights = None,
    model: ModelName = None,
    image_size: ImageSize = None,
    normalize: Normalize = None,
    unreadable: SkipUnreadable = "refuse",
    device: Device = "cpu",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Directory for the figures and a summary.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure top-1 accuracy on the test images.

    A quantized network is run by the golden model, with the arithmetic of the hardware, on the processor.
    Chosen classes are judged twice: by the best of their own outputs, and with all outputs of the network
    competing. A single class stands against all others. An ONNX file of others says neither its data set nor
    how its images are normalised: it needs --data and --normalize.

    Examples:

    - `crisp evaluate --classes sneaker,bag,coat`
    - `crisp evaluate build/network --out build/evaluation`
    - `crisp evaluate theirs.onnx --data path/to/imagenet --normalize imagenet`
    - `crisp evaluate --weights resnet50.pth --model resnet50 --data path/to/imagenet --image-size 224`
    """
    from crisp_sw.exchange.network_source import is_quantized
    from crisp_sw.flows.inputs.devices import find_device
    from crisp_sw.flows.steps.evaluate_step import EvaluationError, float_answers, int8_answers

    quantized = path is not None and weights is None and is_quantized(path)
    foreign = foreign_weights(weights, model, image_size, None if quantized else normalize, path=path)
    path = path or DEFAULT_CHECKPOINT
    if out is not None:
        require_free(out, "evaluate")
    used = find_device(device)
    if quantized and used.type != "cpu":
        raise EvaluationError(f"--device {device} has no effect: golden runs {path} on the processor")
    with step_display() as progress:
        options: dict[str, Any] = {"classes": classes, "unreadable": unreadable, "on_progress": progress}
        if quantized:
            answers = int8_answers(path, data, normalize, **options)
        else:
            answers = float_answers(path, data, foreign, device=used, **options)
    judged = str(foreign.weights) if foreign else path
    channels = answers.outputs.splits.channels
    source = source_of(path, data, foreign, channels=channels, unreadable=unreadable, device=device)
    evaluation = answers.evaluation()
    figures = EvaluateStep(**vars(evaluation), path=judged, command=command_line(), source=source)
    say_skipped(figures.skipped)
    if out is not None:
        write_step(out, "evaluate", figures, {SUMMARY_FILE: evaluation_summary(figures)})
    emit(figures, as_json, lambda: show_figures(judged, accuracy_figures(figures.accuracy)))
