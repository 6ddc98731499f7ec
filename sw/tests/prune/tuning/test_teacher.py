"""Distillation: its loss, and what the teacher is shown."""

import pytest
import torch

from crisp_sw.prune.errors import SamplesError
from crisp_sw.prune.settings.fine_tuning_settings import FineTuning
from crisp_sw.prune.tuning.samples import ClassSamples
from crisp_sw.prune.tuning.teacher import Teacher, distillation_loss

INDEX = torch.tensor([3, 0])


def test_distillation_loss_formula():
    logits, targets = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, -1.0]])
    student, teacher = torch.softmax(logits / 2, 1), torch.softmax(targets / 2, 1)
    expected = 4 * (teacher * (teacher / student).log()).sum()
    torch.testing.assert_close(distillation_loss(logits, targets, 2.0), expected)
    assert float(distillation_loss(targets, targets, 2.0)) == 0.0


@pytest.mark.parametrize("settings", [FineTuning.of(), FineTuning.of(flip=True, teacher_view="original")])
def test_original_images_are_looked_up(mixed_net, samples, settings):
    teacher = Teacher(mixed_net, samples, settings)
    expected = mixed_net.eval()(samples.normalised(INDEX))
    torch.testing.assert_close(teacher.logits(INDEX, torch.zeros(2, 1, 8, 8)), expected)


def test_augmented_images_are_what_the_student_sees(mixed_net, samples):
    teacher = Teacher(mixed_net.train(), samples, FineTuning.of(flip=True))
    images = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    expected = mixed_net.eval()(images)
    torch.testing.assert_close(teacher.logits(INDEX, images), expected)
    assert not teacher.logits(INDEX, images).requires_grad


def test_images_of_no_sample_are_answered_too(mixed_net, samples):
    teacher = Teacher(mixed_net, samples, FineTuning.of())
    images = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(teacher.answers(images), mixed_net.eval()(images))


def test_teacher_is_a_copy(mixed_net, samples):
    teacher = Teacher(mixed_net, samples, FineTuning.of().with_values(crop_padding=1))
    images = samples.normalised(INDEX)
    before = teacher.logits(INDEX, images)
    with torch.no_grad():
        mixed_net.linear.weight.zero_()
    assert torch.equal(teacher.logits(INDEX, images), before)


def test_label_without_an_output(mixed_net):
    samples = ClassSamples(images=torch.zeros(1, 1, 8, 8), labels=torch.tensor([7]))
    with pytest.raises(SamplesError, match="label 7 does not fit the model's output"):
        Teacher(mixed_net, samples, FineTuning.of())
