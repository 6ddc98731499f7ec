"""The quantization step: calibrate on the user's training images, judge by golden on the test images."""

import numpy as np
import torch
from torch import Tensor

from crisp_golden.inference import predict
from crisp_golden.network import QuantizedNetwork
from crisp_sw.data import DatasetSplits, ImageSet, resolve_classes
from crisp_sw.data.dataset import Normalization
from crisp_sw.export.pruned import PrunedModel
from crisp_sw.prune import choose_samples
from crisp_sw.quantize import QuantizeSettings, quantize_model
from crisp_sw.steps.progress import StepCallback, ignore_progress

CALIBRATION_PER_CLASS = 128
GOLDEN_BATCH = 250


def quantize_pruned(
    pruned: PrunedModel,
    splits: DatasetSplits,
    settings: QuantizeSettings | None = None,
    *,
    per_class: int = CALIBRATION_PER_CLASS,
    seed: int = 0,
) -> QuantizedNetwork:
    """Quantize a model, calibrated with ``per_class`` training images of each of its classes.

    A class with fewer images gives all it has.

    Raises
    ------
    CrispError : the model cannot be quantized, or the data set does not have its classes.
    """
    classes = resolve_classes(splits, pruned.info.classes)
    labels = splits.train.labels
    fewest = min(int((labels == index).sum()) for index in classes)
    samples = choose_samples(
        splits.train.images,
        labels,
        classes,
        per_class=min(per_class, fewest),
        mean=pruned.info.mean,
        std=pruned.info.std,
        seed=seed,
    )
    return quantize_model(
        pruned.model,
        samples.normalised(torch.arange(len(samples))),
        classes=pruned.info.classes,
        patterns=pruned.patterns,
        settings=settings,
    )


def normalised(images: Tensor, normalization: Normalization) -> np.ndarray:
    """uint8[N, C, H, W] as float32 for golden, in C order."""
    return np.ascontiguousarray(normalization(images).numpy())


def int8_accuracy(
    network: QuantizedNetwork,
    images: ImageSet,
    normalization: Normalization,
    on_progress: StepCallback = ignore_progress,
) -> float:
    """Top-1 accuracy, 0 to 1, that golden's integer arithmetic has on labelled images."""
    right = 0
    for first in range(0, len(images), GOLDEN_BATCH):
        part = slice(first, first + GOLDEN_BATCH)
        predicted = predict(network, normalised(images.images[part], normalization), batch=GOLDEN_BATCH)
        right += int((predicted == images.labels[part].numpy()).sum())
        done = min(first + GOLDEN_BATCH, len(images))
        on_progress("int8 accuracy by the golden model", done, len(images), f"{right / done:.2%}")
    return right / len(images)
