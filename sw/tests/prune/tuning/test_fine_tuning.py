"""Fine-tuning learns, repeats itself, augments, and reports divergence."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.settings.fine_tuning_settings import FineTuning
from crisp_sw.prune.tuning.batch_norm import reestimate_batch_norm
from crisp_sw.prune.tuning.fine_tuning import FineTuner
from crisp_sw.prune.tuning.inference import collect_logits
from crisp_sw.prune.tuning.samples import ClassSamples
from crisp_sw.prune.tuning.teacher import Teacher, distillation_loss

FAST = FineTuning.of(
    iterations=1,
    epochs_per_iteration=1,
    final_epochs=5,
    learning_rate=0.05,
    batch_size=16,
    distillation=0.0,
)


def losses(model, samples, settings, teacher=None) -> list[float]:
    tuner = FineTuner(model, samples, settings, teacher)
    return [tuner.train_epoch(epoch).loss for epoch in range(settings.total_epochs)]


class AlwaysNext(Teacher):
    """Sure that every sample is of the class after its label."""

    def __init__(self, samples: ClassSamples):
        self.labels = samples.labels

    def logits(self, index, images):
        return 4.0 * nn.functional.one_hot((self.labels[index] + 1) % 4, 4).float()


def test_pure_distillation_follows_the_teacher_not_the_labels(mixed_net, samples):
    values = losses(mixed_net, samples, FAST.with_values(distillation=1.0), AlwaysNext(samples))
    assert values[-1] < values[0] / 2
    reestimate_batch_norm(mixed_net, samples, batch_size=16)
    answers = collect_logits(mixed_net, samples, batch_size=32).argmax(1)
    assert float((answers == (samples.labels + 1) % 4).float().mean()) > 0.9


class AlwaysThird(AlwaysNext):
    """Sure of the samples as before, and that every other image is of the third class."""

    def answers(self, images):
        return 4.0 * nn.functional.one_hot(torch.full((len(images),), 2), 4).float()


def test_teacher_s_answers_on_the_transfer_set_are_learned(mixed_net, samples):
    # Negatives of the samples, which no label speaks of.
    samples = replace(samples, unlabelled=255 - samples.images)
    settings = FAST.with_values(distillation=0.5, unlabelled_batch=16)
    losses(mixed_net, samples, settings, AlwaysThird(samples))
    mixed_net.eval()
    answers = mixed_net(samples.normalise(samples.unlabelled)).argmax(1)
    assert float((answers == 2).float().mean()) > 0.9
    assert float((collect_logits(mixed_net, samples, batch_size=32).argmax(1) == 2).float().mean()) < 0.6


def test_last_epochs_see_the_samples_alone(mixed_net, samples):
    teacher = AlwaysThird(samples)
    settings = FAST.with_values(distillation=0.5, unlabelled_batch=16, own_epochs=2)
    with_others = replace(samples, unlabelled=255 - samples.images)
    statistics = {}
    for name, given in (("with", with_others), ("without", replace(samples, unlabelled=samples.images))):
        for epoch in (3, 4):
            tuner = FineTuner(copy.deepcopy(mixed_net), given, settings, teacher)
            statistics[name, epoch] = tuner.train_epoch(epoch)
    assert settings.total_epochs == 6
    assert statistics["with", 3] != statistics["without", 3]
    assert statistics["with", 4] == statistics["without", 4]


def test_transfer_set_is_left_alone_unless_asked_for(mixed_net, samples):
    other = copy.deepcopy(mixed_net)
    teacher = AlwaysThird(samples)
    settings = FAST.with_values(distillation=0.5)
    expected = losses(mixed_net, samples, settings, teacher)
    assert losses(other, replace(samples, unlabelled=255 - samples.images), settings, teacher) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"crop_padding": 1},
        {"label_smoothing": 0.1},
        {"max_grad_norm": 1.0},
        {"lr_schedule": "cosine", "warmup_epochs": 1.0},
        {"precision": "bfloat16"},
    ],
    ids=str,
)
def test_every_choice_still_learns(mixed_net, samples, changes):
    values = losses(mixed_net, samples, FAST.with_values(**changes))
    assert values[-1] < 0.75 * values[0]


def linear_net() -> nn.Sequential:
    """Without dropout and BatchNorm, it answers in training as it does before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 4))


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_loss_has_smoothed_labels(samples, smoothing):
    model = linear_net()
    targets = (1 - smoothing) * nn.functional.one_hot(samples.labels, 4) + smoothing / 4
    answers = collect_logits(model, samples, batch_size=96).log_softmax(1)
    settings = FAST.with_values(batch_size=96, label_smoothing=smoothing)
    loss = FineTuner(model, samples, settings, None).train_epoch(0).loss
    assert loss == pytest.approx(-float((targets * answers).sum(1).mean()), rel=1e-5)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
@pytest.mark.parametrize("share", [0.25, 1.0])
def test_loss_has_its_share_of_distillation_at_the_temperature(samples, temperature, share):
    model, teacher = linear_net(), AlwaysNext(samples)
    logits = collect_logits(model, samples, batch_size=96)
    targets = teacher.logits(torch.arange(96), samples.images)
    expected = (1 - share) * nn.functional.cross_entropy(logits, samples.labels)
    expected += share * distillation_loss(logits, targets, temperature)
    settings = FAST.with_values(batch_size=96, distillation=share, temperature=temperature)
    loss = FineTuner(model, samples, settings, teacher).train_epoch(0).loss
    assert loss == pytest.approx(float(expected), rel=1e-5)


def crops(images: torch.Tensor, mode: str) -> list[torch.Tensor]:
    """All crops of images with a border of one pixel: zeros ("constant"), or mirrored ("reflect")."""
    padded = nn.functional.pad(images.float(), (1, 1, 1, 1), mode=mode).to(images.dtype)
    size = images.shape[-1]
    return [padded[..., top : top + size, left : left + size] for top in range(3) for left in range(3)]


def views_shown(rows: torch.Tensor, views: list[torch.Tensor]) -> set[int]:
    """Which of the views of any image the rows show; -1 where one shows none."""
    known = [view.flatten(1) for view in views]
    return {
        next((number for number, view in enumerate(known) if bool((view == row).all(1).any())), -1)
        for row in rows.flatten(1)
    }


@pytest.mark.parametrize(
    ("changes", "views"),
    [
        ({}, lambda images: [images]),
        ({"flip": True}, lambda images: [images, images.flip(-1)]),
        ({"crop_padding": 1}, lambda images: crops(images, "constant")),
        ({"crop_padding": 1, "crop_border": "mirror"}, lambda images: crops(images, "reflect")),
    ],
    ids=["as they are", "flip", "black border", "mirrored border"],
)
def test_batches_are_augmented_as_asked(samples, changes, views):
    model, seen = linear_net(), []
    model.register_forward_pre_hook(lambda module, args: seen.append(args[0].detach().clone()))
    samples = replace(samples, unlabelled=255 - samples.images)
    settings = FAST.with_values(batch_size=48, distillation=0.5, unlabelled_batch=24, **changes)
    FineTuner(model, samples, settings, AlwaysThird(samples)).train_epoch(0)
    assert [len(batch) for batch in seen] == [48 + 24] * 2
    for images, rows in ((samples.images, slice(48)), (samples.unlabelled, slice(48, None))):
        expected = [samples.normalise(view) for view in views(images)]
        assert views_shown(torch.cat([batch[rows] for batch in seen]), expected) == set(range(len(expected)))


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_convolutions_are_trained_in_the_precision_asked_for(mixed_net, samples, precision, dtype):
    types = []
    mixed_net.conv.register_forward_hook(lambda module, args, output: types.append(output.dtype))
    FineTuner(mixed_net, samples, FAST.with_values(precision=precision), None).train_epoch(0)
    assert types == [dtype] * 6
    assert {parameter.dtype for parameter in mixed_net.parameters()} == {torch.float32}


def test_an_epoch_does_not_depend_on_those_before(mixed_net, samples):
    settings = FAST.with_values(flip=True, momentum=0.0)
    first = mixed_net
    second = type(mixed_net)()
    second.load_state_dict(first.state_dict())
    whole = FineTuner(first, samples, settings, None)
    whole.train_epoch(0)
    second.load_state_dict(first.state_dict())
    assert whole.train_epoch(1) == FineTuner(second, samples, settings, None).train_epoch(1)


def test_clipping_bounds_the_step(mixed_net, samples):
    before = [parameter.detach().clone() for parameter in mixed_net.parameters()]
    settings = FAST.with_values(max_grad_norm=1e-6, momentum=0.0, weight_decay=0.0, batch_size=96)
    FineTuner(mixed_net, samples, settings, None).train_epoch(0)
    moved = [(new - old).norm() for new, old in zip(mixed_net.parameters(), before, strict=True)]
    assert 0 < float(torch.stack(moved).norm().detach()) <= 0.05 * 1e-6 * 1.01


def test_global_random_state_is_left_alone(mixed_net, samples):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    FineTuner(mixed_net, samples, FAST, None).train_epoch(0)
    assert torch.equal(torch.rand(1), expected)


def test_divergence_is_reported(mixed_net, samples):
    tuner = FineTuner(mixed_net, samples, FAST.with_values(learning_rate=1e30), None)
    with pytest.raises(PruneError, match=r"the loss became \S+ at learning rate 1e\+30; expected a finite"):
        tuner.train_epoch(0)


@pytest.mark.parametrize("clip", [None, 1.0])
def test_nan_gradient_of_the_last_step_is_reported(mixed_net, samples, clip):
    steps = []

    def spoil(gradient):
        steps.append(gradient)
        return gradient * float("nan") if len(steps) == 6 else gradient

    mixed_net.linear.weight.register_hook(spoil)
    tuner = FineTuner(mixed_net, samples, FAST.with_values(max_grad_norm=clip), None)
    with pytest.raises(PruneError, match=r"the norm of the gradient became nan at learning rate 0\.05"):
        tuner.train_epoch(0)
    assert len(steps) == len(samples) // 16
    assert all(bool(parameter.isfinite().all()) for parameter in mixed_net.parameters())
