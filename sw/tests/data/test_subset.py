"""Images of the classes that a user meets; a single class stands against all others."""

import torch

from crisp_sw.data import ImageSet, class_subset, select_classes

LABELS = torch.tensor([0] * 4 + [1] * 9 + [2] * 9)


def test_selected_images_get_the_position_of_their_class_as_label():
    labels = torch.tensor([0, 3, 1, 3, 2])
    images = torch.arange(5, dtype=torch.uint8).view(5, 1, 1, 1)
    chosen = select_classes(ImageSet(images, labels), (3, 0))
    assert chosen.labels.tolist() == [1, 0, 0]
    assert chosen.images.flatten().tolist() == [0, 1, 3]


def test_all_classes_in_their_order_are_no_copy():
    images = ImageSet(torch.zeros(22, 1, 1, 1, dtype=torch.uint8), LABELS)
    assert select_classes(images, (0, 1, 2)).images is images.images


def test_single_class_stands_evenly_against_the_others():
    index, labels = class_subset(LABELS, (0,), seed=1)
    assert labels.tolist() == [0] * 4 + [1] * 4
    assert LABELS[index].tolist()[:4] == [0] * 4
    assert LABELS[index[4:]].bincount().tolist() == [0, 2, 2]
    assert len(set(index.tolist())) == 8


def test_choice_among_the_others_depends_on_the_seed_alone():
    one, two, other = (class_subset(LABELS, (0,), seed=seed)[0] for seed in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_classes_without_images_give_none():
    images = ImageSet(torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.tensor([0, 1]))
    assert len(select_classes(images, (7,))) == len(select_classes(images, (7, 8))) == 0
