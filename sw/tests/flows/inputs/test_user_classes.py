"""Outputs stand for classes of the data set, known by their ids; a single class stands against all others."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from crisp_sw.data import DatasetSplits, ImageSet, load_dataset
from crisp_sw.errors import ClassSelectionError, DatasetError
from crisp_sw.exchange.checkpoint import load_checkpoint
from crisp_sw.flows.inputs import UserClasses

NAMES = ("goldfish, Carassius auratus", "crane", "crane", "boot")
IDS = ("n01", "n02", "n03", "n04")


def toy(names=NAMES, ids=IDS) -> DatasetSplits:
    images = ImageSet(torch.zeros(8, 1, 8, 8, dtype=torch.uint8), torch.arange(8) // 2)
    return DatasetSplits(name="toy", train=images, test=images, classes=names, class_ids=ids)


@pytest.mark.parametrize(
    ("names", "ids", "indices"),
    [
        (NAMES, IDS, (0, 1, 2, 3)),
        (NAMES, (), (0, 1, 2, 3)),  # equal names, but all of them in their order
        (("crane", "crane"), ("n03", "n02"), (2, 1)),
        (("boot", NAMES[0]), (), (3, 0)),  # as older files have it
        (("boot", NAMES[0]), ("elsewhere", "other ids"), (3, 0)),
        (("crane", "other"), ("n02",), (1,)),
        (("boot", "other"), ("elsewhere",), (3,)),
    ],
)
def test_outputs_are_found_by_id_then_by_name(names, ids, indices):
    outputs = UserClasses.of_outputs(toy(), names, ids)
    assert outputs.indices == indices
    assert outputs.ids == tuple(IDS[index] for index in indices)
    assert outputs.names == names


def test_output_that_the_data_set_lacks_is_named():
    with pytest.raises(ClassSelectionError, match="no class 'lion' in toy"):
        UserClasses.of_outputs(toy(), ("boot", "lion"), ("n04", "n99"))


def test_names_of_outputs_are_no_indices():
    with pytest.raises(ClassSelectionError, match="no class '3' in toy"):
        UserClasses.of_outputs(toy(), ("3", "1"))


def test_test_images_are_labelled_by_output():
    images = UserClasses(splits=toy(), indices=(3, 1)).test_images
    assert images.labels.tolist() == [1, 1, 0, 0]
    nothing = replace(toy(), test=ImageSet(torch.zeros(0, 1, 8, 8), torch.zeros(0, dtype=torch.int64)))
    with pytest.raises(DatasetError, match="toy has no test image of boot, crane"):
        _ = UserClasses(splits=nothing, indices=(3, 1)).test_images


def test_network_is_cut_to_the_classes_or_to_one_and_the_mean_of_the_others(digits_checkpoint):
    model, _ = load_checkpoint(digits_checkpoint)
    splits = load_dataset("digits", image_size=8)
    images = torch.rand(4, 1, 8, 8)
    with torch.no_grad():
        logits = model(images)
        two = UserClasses(splits=splits, indices=(8, 3)).restrict(model)(images)
        one = UserClasses(splits=splits, indices=(3,)).restrict(model)(images)
    torch.testing.assert_close(two, logits[:, [8, 3]])
    others = logits[:, [0, 1, 2, 4, 5, 6, 7, 8, 9]].mean(1)
    torch.testing.assert_close(one, torch.stack([logits[:, 3], others], 1))


@pytest.mark.parametrize("bias", [True, False])
def test_network_that_ends_in_a_convolution_is_cut_too(bias):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 1, bias=bias), nn.AdaptiveAvgPool2d(1)
    )
    images = torch.rand(3, 1, 8, 8)
    with torch.no_grad():
        logits = model(images).flatten(1)
        one = UserClasses(splits=toy(), indices=(2,)).restrict(model)(images).flatten(1)
    torch.testing.assert_close(one, torch.stack([logits[:, 2], logits[:, [0, 1, 3]].mean(1)], 1))
