"""What a loaded data set is: images as bytes, labels, class names, and how to normalise a batch."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import SupportsFloat

import torch
from torch import Tensor

from crisp_sw.errors import DatasetError

# Enough pictures for three digits of mean and deviation, few enough for a memory-mapped ImageNet.
STATISTICS_SAMPLE = 100_000
# Far below one level of a byte, and far above what float32 cannot divide by.
LEAST_STD = 1e-6


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Labelled images.

    Attributes
    ----------
    images : uint8[N, C, H, W]; may be memory-mapped.
    labels : int64[N], index of the class.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, index: Tensor, labels: Tensor) -> "ImageSet":
        """The images at ``index`` with other labels; no copy of all of them in their order."""
        everything = len(index) == len(self) and torch.equal(index, torch.arange(len(self)))
        return ImageSet(self.images if everything else self.images[index], labels)


def normalization_fault(mean: Iterable[float], std: Iterable[float]) -> str | None:
    """Return what is wrong with mean and deviation of pixel values scaled to 0..1, else None."""
    for name, values, least in (("mean", mean, 0.0), ("std", std, LEAST_STD)):
        if isinstance(values, str) or not isinstance(values, Iterable):
            return f"`{name}` must be a number for each channel, not {values!r}"
        for value in values:
            number = _number(value)
            if not least <= number <= 1:
                advice = "; divide those of bytes by 255" if 1 < number <= 255 else ""
                return f"`{name}` must be numbers from {least:g} to 1, not {value!r}{advice}"
    return None


def _number(value: object) -> float:
    """The value of a number or of a tensor that holds one; not a number for anything else."""
    if isinstance(value, bool) or not isinstance(value, SupportsFloat):
        return math.nan
    try:
        return float(value)
    except (ValueError, RuntimeError, OverflowError):
        return math.nan


@dataclass(frozen=True)
class Normalization:
    """Per-channel mean and standard deviation of pixel values scaled to 0..1.

    Raises
    ------
    DatasetError : a value cannot be that, such as one of pixel values from 0 to 255.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self):
        for name, values in (("mean", self.mean), ("std", self.std)):
            if not isinstance(values, tuple) or not values:
                raise DatasetError(f"`{name}` must be a number for each channel, not {values!r}")
        if (fault := normalization_fault(self.mean, self.std)) is not None:
            raise DatasetError(fault)

    @classmethod
    def of(cls, images: Tensor) -> "Normalization":
        """Measure uint8[N, C, H, W] images: from histograms, of an even sample if there are very many.

        Raises
        ------
        DatasetError : the images are of another type.
        """
        _require_bytes(images)
        sample = images[:: max(1, len(images) // STATISTICS_SAMPLE)]
        levels = torch.arange(256, dtype=torch.float64) / 255
        mean, std = [], []
        for channel in range(images.shape[1]):
            counts = torch.bincount(sample[:, channel].reshape(-1), minlength=256).double()
            weights = counts / counts.sum()
            mean.append(float(weights @ levels))
            variance = float(weights @ levels.square()) - mean[-1] ** 2
            std.append(max(variance, 1e-6) ** 0.5)
        return cls(tuple(mean), tuple(std))

    def __call__(self, images: Tensor) -> Tensor:
        """Map uint8[N, C, H, W] to float32[N, C, H, W] of mean 0 and deviation 1, in channels-last memory.

        Raises
        ------
        DatasetError : the images are of another type, or have another number of channels.
        """
        _require_bytes(images)
        if not {len(self.mean), len(self.std)} <= {1, images.shape[1]}:
            raise DatasetError(
                f"images of {images.shape[1]} channels do not fit {len(self.mean)} means and {len(self.std)} "
                "deviations; expected one for each channel"
            )
        mean = torch.tensor(self.mean).view(1, -1, 1, 1) * 255
        std = torch.tensor(self.std).view(1, -1, 1, 1) * 255
        return ((images.float() - mean) / std).contiguous(memory_format=torch.channels_last)


def _require_bytes(images: Tensor) -> None:
    if images.dtype != torch.uint8:
        raise DatasetError(
            f"the images are {images.dtype}; expected torch.uint8 from 0 to 255: floats from 0 to 1 become "
            "that by `(images * 255).round().to(torch.uint8)`"
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class DatasetSplits:
    """A data set, split into training and test images.

    Attributes
    ----------
    name : as the user gave it.
    classes : display name of each class, in the order of the labels.
    class_ids : short identifiers (WordNet ids of ImageNet folders), or the names again.
    skipped : a message for each file that could not be read and was left out as asked.
    source : what loads the data set from any working directory: its name, or an absolute path; or "".
    """

    name: str
    train: ImageSet
    test: ImageSet
    classes: tuple[str, ...]
    class_ids: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    source: str = ""

    @property
    def ids(self) -> tuple[str, ...]:
        """Identifier of each class; the names where there are no others."""
        return self.class_ids or self.classes

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour."""
        return self.train.images.shape[1]

    @property
    def image_size(self) -> tuple[int, int]:
        """(H, W)."""
        return self.train.images.shape[2], self.train.images.shape[3]

    @cached_property
    def normalization(self) -> Normalization:
        """Mean and deviation of the training images."""
        return Normalization.of(self.train.images)

    @property
    def mean(self) -> tuple[float, ...]:
        """Per channel, of pixel values scaled to 0..1."""
        return self.normalization.mean

    @property
    def std(self) -> tuple[float, ...]:
        """Per channel, of pixel values scaled to 0..1."""
        return self.normalization.std

    def require_every_class(self) -> None:
        """Raise DatasetError unless every class has training and test images."""
        for split, labels in (("training", self.train.labels), ("test", self.test.labels)):
            require_every_class(self.name, split, labels, self.classes)


def require_every_class(source: str | Path, split: str, labels: Tensor, classes: Sequence[str]) -> None:
    """Raise DatasetError for the first class that none of the labels, int64[N], stands for."""
    counts = torch.bincount(labels, minlength=len(classes))
    missing = [name for name, count in zip(classes, counts.tolist(), strict=True) if not count]
    if missing:
        others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise DatasetError(
            f"{source}: no {split} picture of {missing[0]!r}{others}; expected at least one of every class"
        )
