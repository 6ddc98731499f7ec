"""``crisp quantize``: quantize to int8 and export the packed network."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from crisp_cli.options import (
    AsJson,
    Data,
    ImageSize,
    ModelName,
    Normalize,
    Output,
    Seed,
    SkipUnreadable,
    Weights,
    command_line,
    foreign_weights,
    say_skipped,
    source_of,
)
from crisp_cli.terminal import emit, say_next, show_figures, step_display
from crisp_files.json_values import to_json
from crisp_sw.flows.steps.budgets import CALIBRATION_PER_CLASS
from crisp_sw.quantize import QuantizeSettings
from crisp_sw.report.numbers import size
from crisp_sw.report.step_summaries import quantization_summary
from crisp_sw.results.accuracies import Accuracies
from crisp_sw.results.steps import QuantizedNotes, QuantizeStep

_DEFAULTS = QuantizeSettings()


def quantize(
    path: Annotated[
        str | None, typer.Argument(help="Pruned model, or a checkpoint to quantize dense.")
    ] = None,
    data: Data = None,
    out: Output = Path("build/network"),
    ranges: Annotated[
        str, typer.Option(help="Activation ranges: minmax, percentile or mse.")
    ] = _DEFAULTS.method,
    samples: Annotated[int, typer.Option(help="Calibration images per class.")] = CALIBRATION_PER_CLASS,
    weights: Weights = None,
    model: ModelName = None,
    image_size: ImageSize = None,
    normalize: Normalize = None,
    unreadable: SkipUnreadable = "refuse",
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Quantize a model to int8 and export the packed network that the hardware runs.

    The accuracy shown is that of the golden model, bit for bit the hardware's.

    Example: `crisp quantize build/pruned --out build/network`
    """
    settings = QuantizeSettings(method=ranges)  # pyright: ignore[reportArgumentType]

    from crisp_sw.exchange.packed import save_network
    from crisp_sw.exchange.packed.save import packed_bytes, require_network_or_free
    from crisp_sw.flows.inputs import UserClasses, load_float_model
    from crisp_sw.flows.steps import int8_accuracy, quantize_pruned
    from crisp_sw.flows.steps.quantize_step import require_calibration
    from crisp_sw.train.evaluation import evaluate

    require_calibration(samples, seed)
    foreign = foreign_weights(weights, model, image_size, normalize, path=path)
    require_network_or_free(out)
    pruned, splits = load_float_model(path, data, foreign, unreadable)
    say_skipped(splits.skipped)
    network = quantize_pruned(pruned, splits, settings, per_class=samples, seed=seed)
    outputs = UserClasses.of_outputs(splits, pruned.info.classes, pruned.info.class_ids)
    images = outputs.test_images
    before = pruned.info.accuracy
    if foreign is not None:
        before = evaluate(pruned.model, images, pruned.info.normalization)
    with step_display() as progress:
        accuracy = int8_accuracy(network, images, pruned.info.normalization, progress)
    notes = QuantizedNotes(
        command=command_line(),
        source=source_of(path, data, foreign, channels=splits.channels, unreadable=unreadable),
        skipped=splits.skipped,
        dataset=splits.name,
        data_source=splits.source,
        class_ids=outputs.ids,
        test_images=len(images),
        model=pruned.info.model,
        mean=pruned.info.mean,
        std=pruned.info.std,
        accuracy=Accuracies(float=before, int8=accuracy),
        settings={**asdict(settings), "samples": samples, "seed": seed},
    )
    packed = packed_bytes(network)
    save_network(network, out, to_json(notes), summary=quantization_summary(notes, packed))
    figures = QuantizeStep(**vars(notes), out=str(out), bytes=packed)
    emit(figures, as_json, lambda: _show(out, packed, before, accuracy))


def _show(out: Path, packed: int, before: float, after: float) -> None:
    show_figures(
        f"Wrote {out}",
        {"float accuracy": f"{before:.2%}", "int8 accuracy": f"{after:.2%}", "packed": size(packed)},
    )
    say_next("inspect", out)
    say_next("compile", out)
