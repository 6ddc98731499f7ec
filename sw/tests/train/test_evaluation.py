"""Accuracies on all classes and on a subset, against predictions made by hand."""

import pytest
import torch
from torch import nn

from crisp_sw.data import ImageSet, Normalization
from crisp_sw.errors import ClassSelectionError
from crisp_sw.train.evaluation import accuracy, evaluate, evaluate_subset, predict_logits, subset_accuracy

# Each image has three pixels, one per output: the network below returns them as logits.
LOGITS = torch.tensor([[9, 1, 0], [1, 2, 9], [0, 3, 5], [7, 2, 6]], dtype=torch.uint8)
LABELS = torch.tensor([0, 1, 2, 2])
IMAGES = ImageSet(LOGITS.view(4, 1, 1, 3), LABELS)
UNIT = Normalization((0.0,), (1.0,))


def network():
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.9))


def test_batches_are_told():
    seen: list[int] = []
    predict_logits(network(), IMAGES.images, UNIT, batch=3, on_images=seen.append)
    count = len(IMAGES)
    assert seen == [*range(3, count, 3), count]


def test_accuracy_counts_the_largest_logit():
    assert accuracy(LOGITS.float(), LABELS) == 0.5


@pytest.mark.parametrize("batch", [1, 3, 500])
def test_batch_size_does_not_matter(batch):
    logits = predict_logits(network(), IMAGES.images, UNIT, batch=batch)
    assert torch.equal(logits, LOGITS.float() / 255)
    assert evaluate(network(), IMAGES, UNIT, batch=batch) == 0.5


def test_modes_of_single_modules_are_restored():
    model = network().train()
    model[1].eval()
    evaluate(model, IMAGES, UNIT)
    assert (model.training, model[0].training, model[1].training) == (True, True, False)


@pytest.mark.parametrize("training", [True, False])
def test_training_mode_is_restored(training):
    model = network().train(training)
    evaluate(model, IMAGES, UNIT)
    assert model.training is training


def test_subset_is_judged_by_all_and_by_its_own_outputs():
    found = evaluate_subset(network(), IMAGES, UNIT, (2, 1))
    assert found.all_outputs == 1 / 3
    assert found.subset_outputs == 2 / 3


def test_order_of_the_subset_does_not_matter():
    first, second = (evaluate_subset(network(), IMAGES, UNIT, order) for order in ((0, 2), (2, 0)))
    assert first == second


def test_single_class_competes_with_the_mean_of_the_others():
    logits = torch.tensor([[5, 9, 0], [4, 9, 0], [5, 9, 0], [9, 0, 0]])
    found = subset_accuracy(logits, torch.tensor([0, 0, 1, 1]), (0,))
    assert (found.subset_outputs, found.all_outputs) == (0.25, 0.25)
    assert subset_accuracy(logits[:1], torch.tensor([0]), (0,)).subset_outputs == 1.0


def test_first_of_equal_outputs_counts_as_in_golden():
    logits = torch.ones(200, 40, dtype=torch.int8)
    assert accuracy(logits, torch.zeros(200, dtype=torch.int64)) == 1.0


def test_images_go_to_the_network_and_logits_come_back():
    class Elsewhere(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.empty(1, device="meta"))

        def forward(self, images):
            assert images.device.type == "meta"
            return torch.zeros(len(images), 3)

    assert predict_logits(Elsewhere(), IMAGES.images, UNIT).device.type == "cpu"


def test_subset_without_images_is_refused():
    with pytest.raises(ClassSelectionError, match=r"no test image of the classes \[3\]"):
        evaluate_subset(network(), IMAGES, UNIT, (3,))
