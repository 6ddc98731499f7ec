"""The evaluation step: accuracies of any network on the test images of its classes, and of some of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from crisp_golden.arithmetic.network import QuantizedConv, QuantizedNetwork
from crisp_spec.errors import CrispError
from crisp_sw.choices import Unreadable
from crisp_sw.data import DatasetSplits, Normalization, class_subset, load_dataset, resolve_classes
from crisp_sw.errors import ClassSelectionError, DatasetError
from crisp_sw.exchange.network_source import open_network
from crisp_sw.flows.inputs.float_models import (
    ForeignWeights,
    listing,
    load_float_model,
    normalization,
    recorded_data,
    require_normalize,
)
from crisp_sw.flows.inputs.user_classes import UserClasses
from crisp_sw.flows.steps.progress import StepCallback, ignore_progress
from crisp_sw.flows.steps.quantize_step import int8_logits
from crisp_sw.results.accuracies import Accuracies
from crisp_sw.results.steps import ClassAccuracy, Evaluation
from crisp_sw.train.evaluation import accuracy, predict_logits, subset_accuracy

# What is said about a choice of a network's classes: best of their outputs, and best of all its outputs.
_CHOSEN = {
    "all_classes": ("dense", "dense_all_outputs"),
    "pruned": ("pruned_chosen", "pruned_all_outputs"),
    "int8": ("int8_chosen", "int8_all_outputs"),
}


class EvaluationError(CrispError):
    """A network does not say which images it is to be judged by."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """What a network answers for the test images of its classes.

    Attributes
    ----------
    kind : "all_classes" of a data set, "pruned" for a user's classes, or "int8".
    outputs : the classes that its outputs stand for.
    logits : [N, outputs].
    labels : int64[N], the output that is right.
    chosen : outputs that are also judged alone; may be empty.
    """

    kind: str
    outputs: UserClasses
    logits: Tensor
    labels: Tensor
    chosen: tuple[int, ...] = ()

    def evaluation(self) -> Evaluation:
        """Accuracies of all classes together, of each, and of the chosen ones."""
        names = self.outputs.names
        together = Evaluation(
            dataset=self.outputs.splits.name,
            classes=names,
            class_ids=self.outputs.ids,
            images=len(self.labels),
            accuracy=Accuracies(**{self.kind: accuracy(self.logits, self.labels)}),
            per_class=tuple(self._of_class(label) for label in range(len(names))),
            skipped=self.outputs.splits.skipped,
        )
        if not self.chosen:
            return together
        index, labels = class_subset(self.labels, self.chosen)
        best = subset_accuracy(self.logits[index], labels, self.chosen)
        own, competing = _CHOSEN[self.kind]
        return replace(
            together,
            accuracy=replace(together.accuracy, **{own: best.subset_outputs, competing: best.all_outputs}),
            chosen=tuple(names[output] for output in self.chosen),
            chosen_images=len(index),
        )

    def _of_class(self, label: int) -> ClassAccuracy:
        of_class = self.labels == label
        count = int(of_class.sum())
        right = accuracy(self.logits[of_class], self.labels[of_class]) if count else None
        return ClassAccuracy(name=self.outputs.names[label], images=count, accuracy=right)


def float_answers(
    path: str,
    data: str | None = None,
    foreign: ForeignWeights | None = None,
    *,
    classes: str | None = None,
    unreadable: Unreadable = "refuse",
    device: str | torch.device = "cpu",
    on_progress: StepCallback = ignore_progress,
) -> Answers:
    """Run a checkpoint, a pruned model or a state dict on the test images of its classes.

    Parameters
    ----------
    path, data, foreign, unreadable : of `load_float_model`.
    classes : those of the network that are also judged alone.

    Raises
    ------
    ClassSelectionError : the network has no output for one of ``classes``, or there is no image of them.
    CrispError : as of `load_float_model`.
    """
    loaded, splits = load_float_model(path, data, foreign, unreadable)
    outputs = UserClasses.of_outputs(splits, loaded.info.classes, loaded.info.class_ids)
    images = outputs.test_images
    chosen = _chosen(outputs, images.labels, classes)
    logits = predict_logits(
        loaded.model.to(device),
        images.images,
        loaded.info.normalization,
        on_images=lambda done: on_progress("accuracy", done, len(images)),
    )
    kind = "pruned" if loaded.figures else "all_classes"
    return Answers(kind=kind, outputs=outputs, logits=logits, labels=images.labels, chosen=chosen)


def int8_answers(
    path: str,
    data: str | None = None,
    normalize: str | None = None,
    *,
    classes: str | None = None,
    unreadable: Unreadable = "refuse",
    on_progress: StepCallback = ignore_progress,
) -> Answers:
    """Run a packed network or a QDQ ONNX file on the test images of its classes, by golden.

    A network without names of classes, such as an ONNX file of others, has those of the data set in order.

    Parameters
    ----------
    normalize : of `crisp_sw.flows.inputs.float_models.normalization`, for a network that does not say it.

    Raises
    ------
    EvaluationError : nothing says how its images are normalised, or which data set they are of; or both the
        network and ``normalize`` do; or it has other outputs than the data set has classes.
    ClassSelectionError : the network has no output for one of ``classes``, or there is no image of them.
    CrispError : it cannot be read, or does not fit the data set.
    """
    network, metadata = open_network(path)
    said = _said_normalization(path, metadata, normalize)
    splits = _images_of(path, metadata, data, network.input_shape[1], unreadable)
    used = said or normalization(splits, str(normalize))
    channels = len(used.mean) if said else network.input_shape[0]
    if splits.channels != channels:
        raise EvaluationError(
            f"{splits.name} has images of {splits.channels} channels; expected {channels} as in {path}"
        )
    outputs = _outputs(path, network, metadata, splits)
    images = outputs.test_images
    chosen = _chosen(outputs, images.labels, classes)
    logits = int8_logits(network, images, used, on_progress)
    return Answers(kind="int8", outputs=outputs, logits=logits, labels=images.labels, chosen=chosen)


def _chosen(outputs: UserClasses, labels: Tensor, classes: str | None) -> tuple[int, ...]:
    """Which outputs stand for the classes."""
    if classes is None:
        return ()
    own, splits = outputs.indices, outputs.splits
    wanted = resolve_classes(splits, classes)
    missing = [repr(splits.classes[index]) for index in wanted if index not in own]
    if missing:
        raise ClassSelectionError(
            f"the network has no output for {listing(missing)}; expected some of its classes: "
            f"{listing([splits.classes[index] for index in own])}"
        )
    chosen = tuple(own.index(index) for index in wanted)
    if not len(class_subset(labels, chosen)[0]):
        raise ClassSelectionError(f"{splits.name} has no test image of {classes}; expected at least one")
    return chosen


def _images_of(
    path: str, metadata: Mapping[str, Any], data: str | None, size: int, unreadable: Unreadable
) -> DatasetSplits:
    dataset, source = metadata.get("dataset"), metadata.get("data_source")
    if data is None and not dataset:
        raise EvaluationError(f"{path}: does not say which data set it is for; expected --data")
    return load_dataset(data or recorded_data(dataset, source), image_size=size, unreadable=unreadable)


def _outputs(
    path: str, network: QuantizedNetwork, metadata: Mapping[str, Any], splits: DatasetSplits
) -> UserClasses:
    ids = _class_ids(path, metadata)
    last = network.nodes[-1].layer
    if ids or network.classes or not isinstance(last, QuantizedConv):
        return UserClasses.of_outputs(splits, network.classes, ids)
    if last.out_channels != len(splits.classes):
        raise EvaluationError(
            f"{path}: {last.out_channels} outputs without names; expected {len(splits.classes)}, the classes "
            f"of {splits.name}"
        )
    return UserClasses.of_outputs(splits, splits.classes)


def _class_ids(path: str, metadata: Mapping[str, Any]) -> Sequence[str]:
    ids = metadata.get("class_ids", ())
    if not isinstance(ids, list | tuple) or not all(isinstance(identifier, str) for identifier in ids):
        raise EvaluationError(f"{path}: `class_ids` must be a list of names, not {ids!r}")
    return ids


def _said_normalization(
    path: str, metadata: Mapping[str, Any], normalize: str | None
) -> Normalization | None:
    """How a network says that its images are normalised; None if ``normalize`` says it."""
    missing = [name for name in ("mean", "std") if not metadata.get(name)]
    if normalize is not None:
        require_normalize(normalize)
        if not missing:
            raise EvaluationError(
                f"{path}: says how its images are normalised; expected no --normalize {normalize}"
            )
        return None
    if missing:
        raise EvaluationError(
            f"{path}: does not say {', '.join(missing)} of its images; expected --normalize imagenet or data"
        )
    mean, std = (
        tuple(value) if isinstance(value, list | tuple) else value
        for value in (metadata["mean"], metadata["std"])
    )
    try:
        return Normalization(mean, std)
    except DatasetError as error:
        raise EvaluationError(f"{path}: {error}") from error
