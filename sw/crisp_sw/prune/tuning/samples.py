"""The images of the user's classes, as plain tensors."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from crisp_sw.data.dataset import normalization_fault
from crisp_sw.prune.errors import SamplesError

OVERSHOOT = 0.5
"""How far interpolation may leave the range of pixel values."""


@dataclass(frozen=True, kw_only=True)
class ClassSamples:
    """Labelled images that a model is pruned for.

    Attributes
    ----------
    images : uint8 0 to 255 or float 0 to 1, [N, C, H, W], N >= 1. With mean 0 and deviation 1, the defaults,
        floats may also be normalised already.
    labels : int64[N], index of the model's output that is right.
    mean, std : per channel, of pixel values from 0 to 1; the model reads ``(image - mean) / std``.
    classes : which classes of a data set the labels 0, 1, ... stand for, if that is known.
    unlabelled : more images, of any classes, in type and size as ``images``: a transfer set, on which the
        model learns what a teacher answers. None if there are none.

    Raises
    ------
    SamplesError : shapes or types do not fit together, or a value is not finite, or of another scale.
    """

    images: Tensor
    labels: Tensor
    mean: Sequence[float] = (0.0,)
    std: Sequence[float] = (1.0,)
    classes: tuple[int, ...] | None = None
    unlabelled: Tensor | None = None

    def __post_init__(self):
        shape = tuple(self.images.shape)
        if len(shape) != 4 or shape[0] == 0:
            raise SamplesError(f"`images` must have the shape [N, C, H, W] with N >= 1, not {list(shape)}")
        if self.images.dtype != torch.uint8 and not self.images.is_floating_point():
            raise SamplesError(f"`images` must be uint8 or float, not {self.images.dtype}")
        self._require_statistics()
        self._require_scale("images", self.images)
        if self.unlabelled is not None:
            _require_alike(self.unlabelled, self.images)
            self._require_scale("unlabelled", self.unlabelled)
        if self.labels.shape != shape[:1] or self.labels.dtype != torch.int64:
            actual = f"{self.labels.dtype}{list(self.labels.shape)}"
            raise SamplesError(f"`labels` must be int64[{shape[0]}], one for each image, not {actual}")
        if int(self.labels.min()) < 0:
            raise SamplesError(f"`labels` must be 0 or more, not {int(self.labels.min())}")

    def _require_statistics(self) -> None:
        if (fault := normalization_fault(self.mean, self.std)) is not None:
            raise SamplesError(fault)
        channels = self.images.shape[1]
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, channels):
                raise SamplesError(f"`{name}` must have 1 or {channels} values, not {len(values)}")

    def _require_scale(self, name: str, images: Tensor) -> None:
        """Refuse floats that are no pixel values from 0 to 1; normalised ones have values below 0."""
        if images.dtype == torch.uint8:
            return
        low, high = (float(value) for value in images.aminmax())
        if not (math.isfinite(low) and math.isfinite(high)):
            raise SamplesError(f"`{name}` hold NaN or infinite values; expected finite numbers")
        as_they_are = set(map(float, self.mean)) == {0.0} and set(map(float, self.std)) == {1.0}
        if low < -OVERSHOOT and not as_they_are:
            raise SamplesError(
                f"`{name}` have values down to {low:g}; expected 0 to 1: leave normalisation to `mean` and "
                "`std`, or leave these two out"
            )
        if high > 1 + OVERSHOOT and (low >= 0 or not as_they_are):
            raise SamplesError(
                f"`{name}` have values up to {high:g}; expected 0 to 1: divide bytes by 255, or give them as "
                "torch.uint8"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def normalised(self, index: Tensor) -> Tensor:
        """Return the images of ``index`` as the model reads them: float32[len(index), C, H, W]."""
        return self.normalise(self.images[index])

    def normalise(self, images: Tensor) -> Tensor:
        """Return images of the samples' type, such as augmented ones, as the model reads them: float32."""
        scaled = images.float() / 255 if images.dtype == torch.uint8 else images.float()
        mean, std = (
            torch.as_tensor(values, dtype=torch.float32, device=images.device).reshape(1, -1, 1, 1)
            for values in (self.mean, self.std)
        )
        return ((scaled - mean) / std).contiguous(memory_format=torch.channels_last)

    def require_batch(self, batch_size: int) -> None:
        """Raise SamplesError unless there is at least one full batch."""
        if len(self) < batch_size:
            raise SamplesError(
                f"{len(self)} samples are fewer than one batch of {batch_size}; "
                f"expected at least {batch_size}, or a smaller `batch_size`"
            )

    def smallest_batch(self, batch_size: int) -> int:
        """Return the length of the shortest of :meth:`batches`."""
        return len(self) // -(-len(self) // batch_size)

    def spread(self, count: int) -> Self:
        """Return ``count`` samples at even distances, of every class alike where they are sorted by class."""
        if count >= len(self):
            return self
        index = torch.arange(count) * len(self) // count
        return replace(self, images=self.images[index], labels=self.labels[index])

    def batches(self, batch_size: int, *, generator: torch.Generator | None = None) -> Iterator[Tensor]:
        """Yield int64 indices of batches of nearly equal length, at most ``batch_size``.

        In random order with a generator, else in order. Equal lengths avoid a last batch of one image,
        which BatchNorm cannot train on.
        """
        order = (
            torch.arange(len(self)) if generator is None else torch.randperm(len(self), generator=generator)
        )
        yield from order.tensor_split(-(-len(self) // batch_size))


def _require_alike(unlabelled: Tensor, images: Tensor) -> None:
    shape, wanted = list(unlabelled.shape), list(images.shape[1:])
    if unlabelled.dtype != images.dtype or shape[1:] != wanted or not len(unlabelled):
        raise SamplesError(
            f"`unlabelled` must be {images.dtype}{['N', *wanted]} with N >= 1 as `images` are, not "
            f"{unlabelled.dtype}{shape}"
        )


def choose_samples(
    images: Tensor,
    labels: Tensor,
    class_indices: Sequence[int],
    *,
    per_class: int,
    mean: Sequence[float],
    std: Sequence[float],
    seed: int,
) -> ClassSamples:
    """Pick ``per_class`` random images of each class and label them by position in ``class_indices``.

    The labels fit a model that :func:`crisp_sw.prune.restrict_classifier` has cut to the same classes.

    Raises
    ------
    SamplesError : a class has fewer images, or is named twice; or as of `ClassSamples`.
    """
    if len(images) != len(labels):
        raise SamplesError(f"{len(labels)} labels; expected {len(images)}, one for each image")
    if per_class < 1:
        raise SamplesError(f"`per_class` must be at least 1, not {per_class}")
    if not class_indices or len(set(class_indices)) != len(class_indices):
        raise SamplesError(
            f"`class_indices` must be one or more different classes, not {list(class_indices)}"
        )
    generator = torch.Generator().manual_seed(seed)
    chosen = []
    for label in class_indices:
        of_class = (labels == label).nonzero().flatten()
        if len(of_class) < per_class:
            raise SamplesError(
                f"class {label} has {len(of_class)} images, fewer than `per_class` = {per_class}; "
                "expected more images, or a smaller `per_class`"
            )
        chosen.append(of_class[torch.randperm(len(of_class), generator=generator)[:per_class]])
    new_labels = torch.arange(len(class_indices)).repeat_interleave(per_class)
    return ClassSamples(
        images=images[torch.cat(chosen)],
        labels=new_labels,
        mean=mean,
        std=std,
        classes=tuple(int(label) for label in class_indices),
    )
