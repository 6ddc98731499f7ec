"""``crisp evaluate``: accuracy of a checkpoint, a pruned model or a packed network."""

from pathlib import Path
from typing import Annotated, Any

import typer

from crisp_sw.commands.options import DEFAULT_CHECKPOINT, AsJson, Data
from crisp_sw.commands.terminal import accuracy_figures, emit, show_figures, step_display
from crisp_sw.data import Normalization, load_dataset, resolve_classes, select_classes
from crisp_sw.evaluation import evaluate as evaluate_model
from crisp_sw.evaluation import evaluate_subset
from crisp_sw.export import is_network, load_metadata, load_network
from crisp_sw.export.pruned import load_pruned
from crisp_sw.steps import int8_accuracy, load_data


def evaluate(
    path: Annotated[
        str, typer.Argument(help="Checkpoint, pruned model or packed network.")
    ] = DEFAULT_CHECKPOINT,
    data: Data = None,
    classes: Annotated[
        str | None, typer.Option("--classes", "-c", help="Also judge on these classes alone.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure top-1 accuracy on the test images.

    A packed network is run by the golden model, with the arithmetic of the hardware.

    Examples:

    - `crisp evaluate --classes sneaker,bag,coat`
    - `crisp evaluate build/network`
    """
    source = Path(path)
    accuracy = _packed(source, data) if is_network(source) else _float(path, data, classes)
    emit(
        {"path": path, "accuracy": accuracy}, as_json, lambda: show_figures(path, accuracy_figures(accuracy))
    )


def _packed(directory: Path, data: str | None) -> dict[str, float]:
    network, metadata = load_network(directory), load_metadata(directory)
    splits = load_dataset(data or metadata["dataset"], image_size=network.input_shape[1])
    images = select_classes(splits.test, resolve_classes(splits, network.classes))
    normalization = Normalization(tuple(metadata["mean"]), tuple(metadata["std"]))
    with step_display() as progress:
        return {"int8": int8_accuracy(network, images, normalization, progress)}


def _float(path: str, data: str | None, classes: str | None) -> dict[str, Any]:
    pruned = load_pruned(path)
    splits = load_data(pruned.info, data)
    normalization = pruned.info.normalization
    own = resolve_classes(splits, pruned.info.classes)
    name = "pruned" if pruned.patterns else "all_classes"
    accuracy = {name: evaluate_model(pruned.model, select_classes(splits.test, own), normalization)}
    if classes is not None:
        subset = evaluate_subset(pruned.model, splits.test, normalization, resolve_classes(splits, classes))
        accuracy |= {"dense": subset.subset_outputs, "dense_all_outputs": subset.all_outputs}
    return accuracy
