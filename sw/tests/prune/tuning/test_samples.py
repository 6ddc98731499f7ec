"""Samples check their shapes, normalise, split evenly and are chosen with a seed."""

import numpy as np
import pytest
import torch

from crisp_sw.prune.errors import SamplesError
from crisp_sw.prune.tuning.samples import ClassSamples, choose_samples

BYTES = torch.arange(2 * 1 * 2 * 2, dtype=torch.uint8).reshape(2, 1, 2, 2)
FLOATS = BYTES / 7
LABELS = torch.tensor([0, 1])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"images": BYTES[0]}, r"`images` must have the shape \[N, C, H, W\] with N >= 1, not \[1, 2, 2\]"),
        ({"images": BYTES[:0]}, r"not \[0, 1, 2, 2\]"),
        ({"images": BYTES.int()}, "`images` must be uint8 or float, not torch.int32"),
        (
            {"images": BYTES / float("inf") * float("inf")},
            "`images` hold NaN or infinite values; expected finite",
        ),
        ({"labels": LABELS[:1]}, r"`labels` must be int64\[2\], one for each image, not torch.int64\[1\]"),
        ({"labels": LABELS.int()}, r"not torch.int32\[2\]"),
        ({"labels": LABELS - 1}, "`labels` must be 0 or more, not -1"),
        (
            {"unlabelled": BYTES[..., :1]},
            r"`unlabelled` must be torch.uint8\['N', 1, 2, 2\] with N >= 1 as `images` are, not torch.uint8"
            r"\[2, 1, 2, 1\]",
        ),
        ({"unlabelled": BYTES.float()}, r"not torch.float32\[2, 1, 2, 2\]"),
        ({"unlabelled": BYTES[:0]}, r"not torch.uint8\[0, 1, 2, 2\]"),
        (
            {"images": BYTES / 255, "unlabelled": BYTES / 0.0},
            "`unlabelled` hold NaN or infinite values; expected finite",
        ),
        ({"mean": (0.0, 0.0)}, "`mean` must have 1 or 1 values, not 2"),
        ({"std": (0.0,)}, "`std` must be numbers from 1e-06 to 1, not 0.0$"),
        ({"mean": (float("nan"),)}, "`mean` must be numbers from 0 to 1, not nan$"),
        ({"std": (float("nan"),)}, "`std` must be numbers from 1e-06 to 1, not nan$"),
        ({"std": (float("inf"),)}, "`std` must be numbers from 1e-06 to 1, not inf"),
        ({"std": ("0.5",)}, "`std` must be numbers from 1e-06 to 1, not '0.5'$"),
        ({"std": "0"}, "`std` must be a number for each channel, not '0'$"),
        ({"mean": 0.5}, "`mean` must be a number for each channel, not 0.5$"),
        ({"mean": (123.7,)}, "`mean` must be numbers from 0 to 1, not 123.7; divide those of bytes by 255$"),
        (
            {"images": 9 * FLOATS},
            "`images` have values up to 9; expected 0 to 1: divide bytes by 255, or give",
        ),
        ({"images": 255 * FLOATS, "mean": (0.5,)}, "`images` have values up to 255; expected 0 to 1"),
        (
            {"images": 4 * FLOATS - 2, "std": (0.5,)},
            "`images` have values down to -2; expected 0 to 1: leave normalisation to `mean` and",
        ),
        (
            {"images": FLOATS, "unlabelled": 255 * FLOATS},
            "`unlabelled` have values up to 255; expected 0 to 1",
        ),
    ],
)
def test_bad_samples_are_named(values, message):
    with pytest.raises(SamplesError, match=message):
        ClassSamples(**{"images": BYTES, "labels": LABELS, **values})


def test_bytes_and_floats_normalise_alike():
    as_bytes = ClassSamples(images=BYTES, labels=LABELS, mean=(0.5,), std=(0.25,))
    as_floats = ClassSamples(images=BYTES.float() / 255, labels=LABELS, mean=(0.5,), std=(0.25,))
    index = torch.tensor([1])
    assert torch.equal(as_bytes.normalised(index), as_floats.normalised(index))
    assert torch.equal(as_bytes.normalised(index), (BYTES[1:].float() / 255 - 0.5) / 0.25)


@pytest.mark.parametrize("images", [3 * FLOATS - 1, 255 * FLOATS - 128, FLOATS, 1.5 * FLOATS])
def test_images_that_are_normalised_already_are_read_as_they_are(images):
    samples = ClassSamples(images=images, labels=LABELS)
    assert torch.equal(samples.normalised(torch.arange(2)), images)


@pytest.mark.parametrize("kind", [torch.tensor, np.array, np.float32, lambda values: [np.float64(values[0])]])
def test_statistics_may_be_of_other_numeric_types(kind):
    samples = ClassSamples(images=1.2 * FLOATS - 0.1, labels=LABELS, mean=kind([0.5]), std=kind([0.25]))
    expected = ClassSamples(images=samples.images, labels=LABELS, mean=(0.5,), std=(0.25,))
    assert torch.equal(samples.normalised(torch.arange(2)), expected.normalised(torch.arange(2)))


@pytest.mark.parametrize(
    ("count", "size", "lengths"), [(9, 4, [3, 3, 3]), (8, 4, [4, 4]), (3, 64, [3]), (5, 2, [2, 2, 1])]
)
def test_batches_are_even_and_complete(count, size, lengths):
    samples = ClassSamples(images=torch.zeros(count, 1, 1, 1), labels=torch.zeros(count, dtype=torch.int64))
    shuffled = list(samples.batches(size, generator=torch.Generator().manual_seed(1)))
    assert [len(batch) for batch in shuffled] == lengths
    assert samples.smallest_batch(size) == min(lengths)
    assert sorted(torch.cat(shuffled).tolist()) == list(range(count))
    assert torch.cat(list(samples.batches(size))).tolist() == list(range(count))


def choose(class_indices, per_class, seed=0):
    labels = torch.tensor([5, 3, 5, 3, 5, 1])
    images = torch.arange(6, dtype=torch.uint8).reshape(6, 1, 1, 1)
    return choose_samples(
        images, labels, class_indices, per_class=per_class, mean=(0.0,), std=(1.0,), seed=seed
    )


def test_chosen_samples_are_relabelled_by_position():
    samples = choose((5, 3), 2)
    assert samples.labels.tolist() == [0, 0, 1, 1]
    assert samples.classes == (5, 3)
    assert {int(image) for image in samples.images[:2]} < {0, 2, 4}
    assert {int(image) for image in samples.images[2:]} == {1, 3}


def test_choice_depends_on_the_seed_alone():
    assert torch.equal(choose((5,), 2, seed=3).images, choose((5,), 2, seed=3).images)
    assert len({tuple(choose((5,), 3, seed=seed).images.flatten().tolist()) for seed in range(8)}) > 1


@pytest.mark.parametrize(
    ("class_indices", "per_class", "message"),
    [
        ((5, 1), 2, "class 1 has 1 images, fewer than `per_class` = 2; expected more images, or a sma"),
        ((7,), 1, "class 7 has 0 images, fewer than `per_class` = 1"),
        ((5, 5), 1, r"`class_indices` must be one or more different classes, not \[5, 5\]"),
        ((), 1, r"`class_indices` must be one or more different classes, not \[\]"),
        ((5,), 0, "`per_class` must be at least 1, not 0"),
    ],
)
def test_impossible_choices_are_named(class_indices, per_class, message):
    with pytest.raises(SamplesError, match=message):
        choose(class_indices, per_class)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            torch.rand(4, 1, 8, 8) * 255,
            r"`images` have values up to 25\d.*; expected 0 to 1: divide bytes by 255",
        ),
        (torch.zeros(3, 1, 8, 8), "4 labels; expected 3, one for each image"),
    ],
)
def test_images_that_cannot_be_meant_are_not_chosen(images, message):
    with pytest.raises(SamplesError, match=message):
        choose_samples(images, torch.arange(4) % 2, (0, 1), per_class=2, mean=(0.5,), std=(0.5,), seed=0)
