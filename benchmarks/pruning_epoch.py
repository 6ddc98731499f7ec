"""What an epoch costs more while a network is pruned than plain fine-tuning costs."""

import copy
from collections.abc import Callable

import torch
from torch import nn

from benchmarks.figure import Figure
from benchmarks.processor_time import fastest
from benchmarks.threads import one_thread
from crisp_sw.models import build_model
from crisp_sw.prune import ClassSamples, CrispPruning, CrispSparsifier
from crisp_sw.prune.tuning.fine_tuning import FineTuner
from crisp_sw.prune.tuning.saliency import measure_saliency

MODEL = "resnet18-half-32px"
CLASSES, PER_CLASS = 10, 250
SETTINGS = CrispPruning.of(distillation=0.0, flip=True, crop_padding=2, saliency_samples=64)
RUNS = 4
RATIO = 1.1


def pruning_epoch(seed: int) -> list[Figure]:
    """Time epochs of a half-width ResNet-18 on random 32x32 images: plain, masked, and with a pruning step.

    A pruning step measures the saliency on one batch of the samples and chooses all masks anew. Seconds are
    the processor's, of the fastest run of each kind, so that other work on the machine hardly counts.
    """
    settings = SETTINGS.with_values(seed=seed)
    samples = _random_samples(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        plain = build_model(MODEL, in_channels=3, num_classes=CLASSES)
    pruned = copy.deepcopy(plain)
    sparsifier = CrispSparsifier(saliency="random")
    sparsifier.prepare(pruned)
    sparsifier.step()
    epochs = [_epoch(model, samples, settings) for model in (plain, pruned)]
    with one_thread():
        seconds = fastest([*epochs, lambda: _pruning_step(pruned, sparsifier, samples, settings)], runs=RUNS)
    return [
        Figure(name="plain epoch", value=seconds[0], unit="s"),
        Figure(name="epoch with masks", value=seconds[1] / seconds[0], unit="x"),
        Figure(
            name="epoch with masks and a pruning step",
            value=(seconds[1] + seconds[2]) / seconds[0],
            unit="x",
            target=RATIO,
            at_most=True,
        ),
    ]


def _random_samples(seed: int) -> ClassSamples:
    generator = torch.Generator().manual_seed(seed)
    shape = (CLASSES * PER_CLASS, 3, 32, 32)
    images = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    labels = torch.arange(CLASSES).repeat_interleave(PER_CLASS)
    return ClassSamples(images=images, labels=labels, mean=(0.5,), std=(0.25,))


def _epoch(model: nn.Module, samples: ClassSamples, settings: CrispPruning) -> Callable[[], object]:
    model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    tuner = FineTuner(model, samples, settings.training, None)
    return lambda: tuner.train_epoch(0)


def _pruning_step(
    model: nn.Module, sparsifier: CrispSparsifier, samples: ClassSamples, settings: CrispPruning
) -> None:
    weights = {name: layer.weight for name, layer in sparsifier.layers.items()}
    measure_saliency(model, weights, samples, settings.scoring, settings.training)
    sparsifier.step()
