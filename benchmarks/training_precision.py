"""How fast a network trains in float32 and in bfloat16 here, and whether "auto" means the faster one."""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.nn import functional

from benchmarks.figure import Figure
from benchmarks.processor_time import fastest
from benchmarks.threads import one_thread
from crisp_sw.choices import AUTO_PRECISION, PRECISIONS
from crisp_sw.models import build_model
from crisp_sw.modules.mixed_precision import autocast, find_precision

MODELS = ("resnet18-half-32px", "mobilenet-v2-half-32px")
BATCH, CLASSES, SIDE = 64, 200, 32
RUNS = 4
CPU = torch.device("cpu")


def training_precision(seed: int) -> list[Figure]:
    """Time training steps of both universal networks, 64 random images each, on one thread.

    Seconds are the processor's, of the fastest step of each kind.
    """
    auto = find_precision(AUTO_PRECISION, CPU)
    (other,) = {*PRECISIONS} - {auto}
    figures = []
    for name in MODELS:
        with one_thread():
            seconds: dict[str, float] = dict(
                zip(PRECISIONS, fastest(_steps(name, seed), runs=RUNS), strict=True)
            )
        figures += [
            Figure(name=f"{name}, step in {precision}", value=seconds[precision], unit="s")
            for precision in PRECISIONS
        ]
        figures.append(
            Figure(
                name=f"{name}, {auto} (auto) over {other}",
                value=seconds[auto] / seconds[other],
                unit="x",
                target=1.0,
                at_most=True,
            )
        )
    return figures


def _steps(name: str, seed: int) -> list[Callable[[], None]]:
    """A training step in each precision, of one network on the same images."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build_model(name, in_channels=3, num_classes=CLASSES).train()
        images, labels = torch.randn(BATCH, 3, SIDE, SIDE), torch.randint(0, CLASSES, (BATCH,))
    model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    images = images.contiguous(memory_format=torch.channels_last)
    return [partial(_step, model, images, labels, precision) for precision in PRECISIONS]


def _step(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, precision: str) -> None:
    with autocast(CPU, precision):
        logits = model(images)
    model.zero_grad()
    functional.cross_entropy(logits.float(), labels).backward()
