"""Top-1 accuracy of a network on all classes, and on the classes of one user."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from crisp_sw.data.dataset import ImageSet, Normalization
from crisp_sw.errors import ClassSelectionError


@dataclass(frozen=True)
class SubsetAccuracy:
    """Top-1 accuracy, 0 to 1, on the test images of a class subset.

    Attributes
    ----------
    all_outputs : the prediction is the best of all the network's outputs.
    subset_outputs : the prediction is the best of the subset's outputs; the figure that class-aware pruning
        is judged by, because the user meets no other class.
    """

    all_outputs: float
    subset_outputs: float


def predict_logits(
    model: nn.Module, images: Tensor, normalization: Normalization, *, batch: int = 500
) -> Tensor:
    """Run the network in evaluation mode; its training mode is restored afterwards.

    Parameters
    ----------
    images : uint8[N, C, H, W].

    Returns
    -------
    float32[N, outputs].
    """
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            return torch.cat([model(normalization(part)) for part in images.split(batch)])
    finally:
        model.train(was_training)


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Share of rows of logits [N, outputs] whose largest entry is at the label."""
    return (logits.argmax(1) == labels).double().mean().item()


def evaluate(model: nn.Module, images: ImageSet, normalization: Normalization, *, batch: int = 500) -> float:
    """Top-1 accuracy, 0 to 1, on all the given images."""
    return accuracy(predict_logits(model, images.images, normalization, batch=batch), images.labels)


def evaluate_subset(
    model: nn.Module,
    images: ImageSet,
    normalization: Normalization,
    classes: Sequence[int],
    *,
    batch: int = 500,
) -> SubsetAccuracy:
    """Top-1 accuracies on those images whose label is in ``classes``.

    Parameters
    ----------
    images : with labels of the whole data set, not remapped ones.
    classes : indices, all of them outputs of the network.

    Raises
    ------
    ClassSelectionError : no image has one of these labels.
    """
    chosen = torch.isin(images.labels, torch.tensor(list(classes)))
    if not chosen.any():
        raise ClassSelectionError(f"no test image of the classes {list(classes)}; expected at least one")
    labels = images.labels[chosen]
    logits = predict_logits(model, images.images[chosen], normalization, batch=batch)
    outputs = torch.tensor(list(classes))
    best_of_subset = outputs[logits[:, outputs].argmax(1)]
    return SubsetAccuracy(
        all_outputs=accuracy(logits, labels),
        subset_outputs=(best_of_subset == labels).double().mean().item(),
    )
