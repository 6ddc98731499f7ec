"""The quantization step: calibrate on the user's training images, judge by golden on the test images."""

import numpy as np
import torch
from torch import Tensor

from crisp_golden.arithmetic.inference import quantize_input, run_network
from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_sw.data import DatasetSplits, ImageSet
from crisp_sw.data.dataset import Normalization
from crisp_sw.exchange.pruned_model import PrunedModel
from crisp_sw.flows.inputs.class_task import ClassTask
from crisp_sw.flows.inputs.user_classes import UserClasses
from crisp_sw.flows.steps.budgets import CALIBRATION_PER_CLASS
from crisp_sw.flows.steps.progress import StepCallback, ignore_progress
from crisp_sw.quantize import CalibrationError, QuantizeSettings, quantize_model
from crisp_sw.seeds import require_seed
from crisp_sw.train.evaluation import accuracy

MOST_PER_CLASS = 1_000_000
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

    A class with fewer images repeats them.

    Raises
    ------
    CrispError : the model cannot be quantized, the data set does not have its classes, or as of
        `require_calibration`.
    """
    require_calibration(per_class, seed)
    info = pruned.info
    classes = UserClasses.of_outputs(splits, info.classes, info.class_ids).indices
    task = ClassTask(model=pruned.model, info=info, splits=splits, classes=classes)
    samples = task.samples(per_class, seed)
    return quantize_model(
        pruned.model,
        samples.normalised(torch.arange(len(samples))),
        classes=pruned.info.classes,
        patterns=pruned.patterns,
        settings=settings,
    )


def require_calibration(per_class: int, seed: int) -> None:
    """Check what the calibration images are drawn by.

    Raises
    ------
    CalibrationError : ``per_class`` is out of range; CrispError : ``seed`` is out of range.
    """
    if not 1 <= per_class <= MOST_PER_CLASS:
        raise CalibrationError(
            f"`samples` must be from 1 to {MOST_PER_CLASS:,} images of each class, not {per_class}"
        )
    require_seed(seed)


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
    return accuracy(int8_logits(network, images, normalization, on_progress), images.labels)


def int8_logits(
    network: QuantizedNetwork,
    images: ImageSet,
    normalization: Normalization,
    on_progress: StepCallback = ignore_progress,
) -> Tensor:
    """What golden's integer arithmetic answers for images: int8[N, outputs]."""
    parts, right = [], 0
    for first in range(0, len(images), GOLDEN_BATCH):
        part = slice(first, first + GOLDEN_BATCH)
        x = quantize_input(network, normalised(images.images[part], normalization))
        (logits,) = run_network(network, x, keep_all=False).values()
        parts.append(torch.from_numpy(logits).reshape(len(x), -1))
        done = first + len(x)
        right += accuracy(parts[-1], images.labels[part]) * len(x)
        on_progress("int8 accuracy by the golden model", done, len(images), f"{right / done:.2%}")
    return torch.cat(parts)
