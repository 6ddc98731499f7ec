"""What the steps of the command line found: ``train.json``, ``prune.json``, ``evaluate.json`` and so on."""

from dataclasses import dataclass
from typing import Any

from crisp_files.documents import Document
from crisp_files.json_values import figure, known
from crisp_sw.results.accuracies import Accuracies


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where model and images come from, as it was given.

    Attributes
    ----------
    checkpoint : a model of this program.
    weights, model, image_size, normalize : a state dict of somebody else, its architecture, the edge that
        images are scaled to, and how they are normalised.
    data : data set; None for the one of the model.
    unreadable : what a missing or damaged picture means.
    device : that the network ran on.
    compact : whether weights were written in bfloat16.
    """

    checkpoint: str | None = known()
    weights: str | None = known()
    model: str | None = known()
    image_size: int | None = known()
    normalize: str | None = known()
    data: str | None
    unreadable: str | None = known()
    device: str | None = known()
    compact: bool | None = known()


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """An epoch of training.

    Attributes
    ----------
    epoch : its number, from 1.
    loss : mean over the training images.
    accuracy : on the test images.
    """

    epoch: int
    loss: float
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class TrainStep(Document, schema="crisp-train", version=1):
    """A network that was trained.

    Attributes
    ----------
    checkpoint : file of the network; only where the result is printed.
    source : where the images come from.
    skipped : files that were left out, with the reason.
    training_images, test_images : how many.
    seconds : that the training took.
    model : architecture.
    in_channels, num_classes : inputs and outputs of the network.
    classes, class_ids : names and identifiers of its outputs.
    image_size : height and width.
    mean, std : per channel, of pixel values scaled to 0..1.
    dataset, data_source : name and place of the data set.
    accuracy : top-1 on the test images.
    settings : of the training.
    history : every epoch.
    command : that made it.
    """

    checkpoint: str | None = known()
    source: Source
    skipped: tuple[str, ...]
    training_images: int
    test_images: int
    seconds: float
    model: str
    in_channels: int
    num_classes: int
    classes: tuple[str, ...]
    class_ids: tuple[str, ...]
    image_size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    dataset: str
    data_source: str
    accuracy: float
    settings: dict[str, Any]
    history: tuple[Epoch, ...]
    command: str


@dataclass(frozen=True, kw_only=True)
class PrunedLayer:
    """What pruning left of a layer.

    Attributes
    ----------
    name : of the module.
    weights, kept_weights : all, and those that are left.
    dense_reason : why the layer was not pruned; None for a pruned one, whose block figures are then known.
    kept_blocks, total_blocks : of the layer's own matrix.
    kept_per_row : blocks of every block-row; the most of any where they differ.
    blocks_per_row : of the matrix.
    """

    name: str
    weights: int
    kept_weights: int
    dense_reason: str | None
    kept_blocks: int | None
    total_blocks: int | None
    kept_per_row: int | None
    blocks_per_row: int | None

    @figure
    def sparsity(self) -> float:
        """Share of the weights that went."""
        return 1 - self.kept_weights / max(1, self.weights)


@dataclass(frozen=True, kw_only=True)
class PruningIteration:
    """One pruning step.

    Attributes
    ----------
    target, sparsity : share of the weights that was to go, and that went.
    loss, accuracy : of the last epoch of training after it; None where there was none.
    """

    target: float
    sparsity: float
    loss: float | None
    accuracy: float | None


@dataclass(frozen=True, kw_only=True)
class PruneStep(Document, schema="crisp-prune", version=1):
    """A network that was pruned for a user's classes.

    Attributes
    ----------
    out : its directory; only where the result is printed.
    key : digest of all that it depends on; only in what a demo keeps for its next run.
    command : that made it.
    source : where model and images come from.
    skipped : files that were left out, with the reason.
    dataset, model : names.
    classes, class_ids, class_indices : of the user: names, identifiers and places in the data set.
    image_size : height and width.
    mean, std : per channel, of pixel values scaled to 0..1.
    samples_per_class : training images of each class that it might use.
    compare_dense : whether the dense network was fine-tuned as the comparison.
    teacher : network that was distilled from.
    training_images : that each class has, up to ``samples_per_class``.
    test_images : of the classes.
    accuracy : on these.
    seconds : of the stages that were not interrupted.
    settings : of the pruner.
    sparsity : share of the prunable weights that went.
    model_sparsity : share of the weights of all layers that went.
    layers : every layer with weights.
    iterations : the pruning steps, in order.
    """

    out: str | None = known()
    key: str | None = known()
    command: str | None = known()
    source: Source | None = known()
    skipped: tuple[str, ...] | None = known()
    dataset: str
    model: str
    classes: tuple[str, ...]
    class_ids: tuple[str, ...]
    class_indices: tuple[int, ...]
    image_size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    samples_per_class: int
    compare_dense: bool
    teacher: str
    training_images: tuple[int, ...]
    test_images: int
    accuracy: Accuracies
    seconds: dict[str, float]
    settings: dict[str, Any]
    sparsity: float
    model_sparsity: float
    layers: tuple[PrunedLayer, ...]
    iterations: tuple[PruningIteration, ...]


@dataclass(frozen=True, kw_only=True)
class QuantizedNotes:
    """What a packed network says of itself: its metadata.

    Attributes
    ----------
    command : that made it.
    source : where model and images come from.
    skipped : files that were left out, with the reason.
    dataset, data_source : name and place of the data set.
    class_ids : identifiers of the classes of its outputs.
    test_images : how many.
    model : architecture.
    mean, std : per channel, of pixel values scaled to 0..1.
    accuracy : before and after, on the test images.
    settings : of the quantizer.
    """

    command: str
    source: Source
    skipped: tuple[str, ...]
    dataset: str
    data_source: str
    class_ids: tuple[str, ...]
    test_images: int
    model: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    accuracy: Accuracies
    settings: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class QuantizeStep(QuantizedNotes, Document, schema="crisp-quantize", version=1):
    """A network that was quantized and packed.

    Attributes
    ----------
    out : its directory.
    bytes : of all weights, packed, with their indices.
    """

    out: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class ClassAccuracy:
    """How well a class is recognised.

    Attributes
    ----------
    name : of the class.
    images : test images of it.
    accuracy : share that is recognised; None without images.
    """

    name: str
    images: int
    accuracy: float | None


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Accuracies of a network.

    Attributes
    ----------
    dataset : name.
    classes, class_ids : of the network's outputs.
    images : test images.
    accuracy : of all classes together, and of the chosen ones.
    per_class : of each.
    skipped : files that were left out, with the reason.
    chosen : classes that were judged alone, too.
    chosen_images : test images of these.
    """

    dataset: str
    classes: tuple[str, ...]
    class_ids: tuple[str, ...]
    images: int
    accuracy: Accuracies
    per_class: tuple[ClassAccuracy, ...]
    skipped: tuple[str, ...]
    chosen: tuple[str, ...] | None = known()
    chosen_images: int | None = known()


@dataclass(frozen=True, kw_only=True)
class EvaluateStep(Evaluation, Document, schema="crisp-evaluate", version=1):
    """A network that was judged on test images.

    Attributes
    ----------
    path : of the network.
    command : that made it.
    source : where model and images come from.
    """

    path: str
    command: str
    source: Source


@dataclass(frozen=True, kw_only=True)
class ExportStep(Document, schema="crisp-export", version=1):
    """A model in a format that other tools read, or a packed network made of one of theirs.

    Attributes
    ----------
    out : as it was given; only where the result is printed.
    source : the model.
    command : that made it.
    file : that was written.
    format : state-dict, qdq-onnx or packed.
    bytes : of the file, or of the packed weights with their indices.
    tensors, weights, zeros : of a state dict: tensors, parameters, and those that are 0.
    model : of a state dict: its architecture.
    checkpoint : of a state dict: the header of the model.
    layers, sparse_layers : of an integer network: all, and those with a pattern.
    classes : of the outputs.
    figures : what is known of the model.
    """

    out: str | None = known()
    source: str
    command: str
    file: str
    format: str
    bytes: int
    tensors: int | None = known()
    weights: int | None = known()
    zeros: int | None = known()
    model: str | None = known()
    checkpoint: dict[str, Any] | None = known()
    layers: int | None = known()
    sparse_layers: int | None = known()
    classes: tuple[str, ...]
    figures: dict[str, Any]
