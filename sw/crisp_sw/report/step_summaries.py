"""Summaries for people of what the steps did: the ``summary.md`` of each step's directory."""

from typing import Any

from crisp_files.json_values import to_json
from crisp_sw.report.markdown import MarkdownTable, code, markdown_page, settings_table
from crisp_sw.report.numbers import size
from crisp_sw.results.accuracies import Accuracies
from crisp_sw.results.steps import (
    EvaluateStep,
    ExportStep,
    PrunedLayer,
    PruneStep,
    PruningIteration,
    QuantizedNotes,
    TrainStep,
)

ACCURACY_NAMES = {
    "all_classes": "dense, all classes",
    "dense": "dense",
    "dense_all_outputs": "dense, all outputs compete",
    "dense_fine_tuned": "dense, fine-tuned",
    "pruned": "pruned",
    "pruned_chosen": "pruned, chosen classes",
    "pruned_all_outputs": "pruned, chosen classes, all outputs compete",
    "float": "float",
    "int8": "int8",
    "int8_chosen": "int8, chosen classes",
    "int8_all_outputs": "int8, chosen classes, all outputs compete",
}


def accuracy_figures(accuracy: Accuracies) -> dict[str, str]:
    """Accuracies as percentages, with the names that people read."""
    return {ACCURACY_NAMES[key]: f"{value:.2%}" for key, value in accuracy.measured().items()}


def training_summary(figures: TrainStep) -> str:
    """Of ``train.json``."""
    facts = {
        **source_facts(figures),
        "test accuracy": f"{figures.accuracy:.2%}",
        "training images": figures.training_images,
        "test images": figures.test_images,
        "seconds": f"{figures.seconds:.1f}",
    }
    history = MarkdownTable(
        "Epochs",
        ("epoch", "loss", "test accuracy"),
        [(str(e.epoch), f"{e.loss:.4f}", f"{e.accuracy:.2%}") for e in figures.history],
    )
    tables = [history, settings_table(figures.settings)]
    return markdown_page(f"{figures.model}, trained", facts, tables)


def pruning_summary(figures: PruneStep) -> str:
    """Of ``prune.json``."""
    facts = {
        **source_facts(figures),
        "classes": figures.classes,
        "sparsity": f"{figures.sparsity:.2%} of the prunable weights, "
        f"{figures.model_sparsity:.2%} of the weights of all layers",
        **{f"accuracy, {name}": value for name, value in accuracy_figures(figures.accuracy).items()},
        "training images per class": figures.samples_per_class,
        "training images of each": figures.training_images,
        "test images": figures.test_images,
    }
    if figures.seconds:
        facts["seconds"] = ", ".join(f"{name} {value:.1f}" for name, value in figures.seconds.items())
    headings = ("layer", "weights", "kept", "sparsity", "blocks kept per row", "dense because")
    layers = MarkdownTable("Layers", headings, [_pruned_layer(layer) for layer in figures.layers])
    steps = MarkdownTable(
        "Pruning steps",
        ("step", "target", "sparsity", "loss after its epochs", "training accuracy"),
        [_pruning_step(number, step) for number, step in enumerate(figures.iterations, start=1)],
    )
    title = f"{figures.model}, pruned for {', '.join(figures.classes)}"
    given = {
        name: getattr(figures, name) for name in ("compare_dense", "teacher", "image_size", "mean", "std")
    }
    tables = [steps] if steps.rows else []
    return markdown_page(title, facts, [*tables, layers, settings_table({**given, **figures.settings})])


def quantization_summary(notes: QuantizedNotes, packed_bytes: int) -> str:
    """Of the metadata of a packed network."""
    facts = {
        **source_facts(notes),
        "test images": notes.test_images,
        **{f"accuracy, {name}": value for name, value in accuracy_figures(notes.accuracy).items()},
        "packed": size(packed_bytes),
    }
    return markdown_page(f"{notes.model}, int8", facts, [settings_table(notes.settings)])


def evaluation_summary(figures: EvaluateStep) -> str:
    """Of ``evaluate.json``."""
    accuracy = accuracy_figures(figures.accuracy)
    facts = {
        **source_facts(figures),
        "test images": figures.images,
        **{f"accuracy, {name}": v for name, v in accuracy.items()},
    }
    if figures.chosen is not None:
        facts["chosen classes"] = f"{', '.join(figures.chosen)}: {figures.chosen_images} images"
    rows = [
        (entry.name, str(entry.images), "" if entry.accuracy is None else f"{entry.accuracy:.2%}")
        for entry in figures.per_class
    ]
    classes = MarkdownTable("Classes", ("class", "test images", "accuracy"), rows)
    return markdown_page(f"Accuracy of {figures.path}", facts, [classes])


def export_summary(figures: ExportStep) -> str:
    """Of ``export.json``."""
    plain = {name: value for name, value in to_json(figures).items() if not isinstance(value, dict | list)}
    facts = {**plain, "classes": figures.classes, "command": code(figures.command)}
    return markdown_page(f"{figures.source}, exported", facts)


def source_facts(figures: TrainStep | PruneStep | QuantizedNotes | EvaluateStep) -> dict[str, Any]:
    """Where model and images come from, of the figures of any step."""
    given = to_json(figures.source) or {}
    source = {name: value for name, value in given.items() if value is not None}
    facts = {"command": code(figures.command or ""), **source, "data set": figures.dataset}
    if figures.skipped:
        facts["skipped files"] = figures.skipped
    return facts


def _pruning_step(number: int, step: PruningIteration) -> tuple[str, ...]:
    loss = "" if step.loss is None else f"{step.loss:.4f}"
    accuracy = "" if step.accuracy is None else f"{step.accuracy:.2%}"
    return str(number), f"{step.target:.2%}", f"{step.sparsity:.2%}", loss, accuracy


def _pruned_layer(layer: PrunedLayer) -> tuple[str, ...]:
    blocks = "" if layer.kept_per_row is None else f"{layer.kept_per_row} of {layer.blocks_per_row}"
    return (
        layer.name,
        f"{layer.weights:,}",
        f"{layer.kept_weights:,}",
        f"{layer.sparsity:.1%}",
        blocks,
        layer.dense_reason or "",
    )
