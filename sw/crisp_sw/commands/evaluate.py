"""``crisp evaluate``: accuracy of a checkpoint, a pruned model or a quantized network."""

from pathlib import Path
from typing import Annotated, Any

import typer

from crisp_golden.errors import CrispError
from crisp_sw.commands.options import (
    DEFAULT_CHECKPOINT,
    AsJson,
    Data,
    ImageSize,
    ModelName,
    Normalize,
    Weights,
    foreign_weights,
)
from crisp_sw.commands.terminal import emit, show_figures, step_display
from crisp_sw.data import Normalization, load_dataset, resolve_classes, select_classes
from crisp_sw.evaluation import evaluate as evaluate_model
from crisp_sw.evaluation import evaluate_subset
from crisp_sw.network_source import is_quantized, open_network
from crisp_sw.steps import ForeignWeights, int8_accuracy, load_float_model
from crisp_sw.steps.step_directory import SUMMARY_FILE, require_free, write_step
from crisp_sw.steps.summaries import accuracy_figures, evaluation_summary


class EvaluationError(CrispError):
    """A network does not say which images it is to be judged by."""


def evaluate(
    path: Annotated[
        str, typer.Argument(help="Checkpoint, pruned model, packed network or ONNX file.")
    ] = DEFAULT_CHECKPOINT,
    data: Data = None,
    classes: Annotated[
        str | None, typer.Option("--classes", "-c", help="Also judge on these classes alone.")
    ] = None,
    weights: Weights = None,
    model: ModelName = None,
    image_size: ImageSize = None,
    normalize: Normalize = "imagenet",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Directory for the figures and a summary.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure top-1 accuracy on the test images.

    A quantized network is run by the golden model, with the arithmetic of the hardware.

    Examples:

    - `crisp evaluate --classes sneaker,bag,coat`
    - `crisp evaluate build/network --out build/evaluation`
    - `crisp evaluate --weights resnet50.pth --model resnet50 --data imagenet --image-size 224`
    """
    foreign = foreign_weights(weights, model, image_size, normalize)
    if out is not None:
        require_free(out, "evaluate")
    judged = str(foreign.weights) if foreign else path
    if foreign is None and is_quantized(path):
        dataset, accuracy = _quantized(path, data)
    else:
        dataset, accuracy = _float(path, data, classes, foreign)
    figures = {"path": judged, "dataset": dataset, "accuracy": accuracy}
    if out is not None:
        write_step(out, "evaluate", figures, {SUMMARY_FILE: evaluation_summary(figures)})
    emit(figures, as_json, lambda: show_figures(judged, accuracy_figures(accuracy)))


def _quantized(path: str, data: str | None) -> tuple[str, dict[str, float]]:
    network, metadata = open_network(path)
    missing = [name for name in ("dataset", "mean", "std") if not metadata.get(name)]
    if missing and (data is None or missing != ["dataset"]):
        raise EvaluationError(f"{path}: does not say {', '.join(missing)} of its images; expected metadata")
    splits = load_dataset(data or metadata["dataset"], image_size=network.input_shape[1])
    images = select_classes(splits.test, resolve_classes(splits, network.classes))
    normalization = Normalization(tuple(metadata["mean"]), tuple(metadata["std"]))
    with step_display() as progress:
        return splits.name, {"int8": int8_accuracy(network, images, normalization, progress)}


def _float(
    path: str, data: str | None, classes: str | None, foreign: ForeignWeights | None
) -> tuple[str, dict[str, Any]]:
    pruned, splits = load_float_model(path, data, foreign)
    normalization = pruned.info.normalization
    own = resolve_classes(splits, pruned.info.classes)
    name = "pruned" if pruned.patterns else "all_classes"
    accuracy = {name: evaluate_model(pruned.model, select_classes(splits.test, own), normalization)}
    if classes is not None:
        subset = evaluate_subset(pruned.model, splits.test, normalization, resolve_classes(splits, classes))
        accuracy |= {"dense": subset.subset_outputs, "dense_all_outputs": subset.all_outputs}
    return splits.name, accuracy
