"""Top-1 accuracy of a network on all classes, and on the classes of one user."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from crisp_sw.data import class_subset
from crisp_sw.data.dataset import ImageSet, Normalization
from crisp_sw.errors import ClassSelectionError
from crisp_sw.modules.modes import evaluating


@dataclass(frozen=True)
class SubsetAccuracy:
    """Top-1 accuracy, 0 to 1, on the test images of a class subset.

    Attributes
    ----------
    all_outputs : the prediction is the best of all the network's outputs.
    subset_outputs : the prediction is the best of the subset's outputs; the figure that class-aware pruning
        is judged by, because the user meets no other class. A single class competes with the mean of all
        others.
    """

    all_outputs: float
    subset_outputs: float


def predict_logits(
    model: nn.Module,
    images: Tensor,
    normalization: Normalization,
    *,
    batch: int = 500,
    on_images: Callable[[int], None] = lambda done: None,
) -> Tensor:
    """Run the network in evaluation mode, where it is; its modules' modes are restored afterwards.

    Parameters
    ----------
    images : uint8[N, C, H, W].
    on_images : called after every batch with the number of images done.

    Returns
    -------
    float32[N, outputs], on the CPU.
    """
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    logits: list[Tensor] = []
    with evaluating(model), torch.inference_mode():
        for part in images.split(batch):
            logits.append(model(normalization(part).to(device)).cpu())
            on_images(sum(map(len, logits)))
        return torch.cat(logits)


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Share of rows of logits [N, outputs] whose largest entry, the first of equal ones, is at the label."""
    return (_best(logits) == labels).double().mean().item()


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
    """Top-1 accuracies on those images that `class_subset` gives for ``classes``.

    Parameters
    ----------
    images : with labels of the whole data set, not remapped ones.
    classes : indices, all of them outputs of the network.

    Raises
    ------
    ClassSelectionError : no image has one of these labels.
    """
    index, labels = class_subset(images.labels, classes)
    if not len(index):
        raise ClassSelectionError(f"no test image of the classes {list(classes)}; expected at least one")
    logits = predict_logits(model, images.images[index], normalization, batch=batch)
    return subset_accuracy(logits, labels, classes)


def subset_accuracy(logits: Tensor, labels: Tensor, classes: Sequence[int]) -> SubsetAccuracy:
    """The same from the answers of a network.

    Parameters
    ----------
    logits : [N, outputs].
    labels : int64[N], positions in ``classes``; 1 for the other classes where there is only one.
    """
    position = torch.full((logits.shape[1],), len(classes))
    position[list(classes)] = torch.arange(len(classes))
    competing = logits[:, list(classes)].float()
    if len(classes) == 1:
        others = logits[:, position == len(classes)].float()
        competing = torch.cat([competing, others.mean(1, keepdim=True)], dim=1)
    return SubsetAccuracy(
        all_outputs=(position[_best(logits)] == labels).double().mean().item(),
        subset_outputs=accuracy(competing, labels),
    )


def _best(logits: Tensor) -> Tensor:
    # NumPy promises the first of equal entries, which int8 logits have often; torch does not.
    return torch.from_numpy(logits.numpy().argmax(1))
