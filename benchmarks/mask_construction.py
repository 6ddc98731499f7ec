"""Seconds to choose all masks of a ResNet-50, and how much slower loops over every weight are."""

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.figure import Figure
from benchmarks.threads import one_thread
from crisp_spec.errors import CrispError
from crisp_sw.models import build_model
from crisp_sw.prune import CrispSparsifier

BLOCK = 16
SPARSITY = 0.9
RUNS = 5
SECONDS = 2.0
CHANNELS = 256
"""Input and output channels of the 3x3 layer that the loops are timed on."""


def mask_construction(seed: int) -> list[Figure]:
    """Time one step of the sparsifier on all layers of a ResNet-50, and on one layer against nested loops.

    Saliencies are magnitudes. The fastest of several runs on one thread counts, in seconds of wall time and
    of the processor.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_model("resnet50", in_channels=3, num_classes=1000)
        layer = nn.Sequential(nn.Conv2d(CHANNELS, CHANNELS, 3))
    with one_thread():
        wall, processor = _fastest(_pruning_step(network))
        one, _ = _fastest(_pruning_step(layer))
    return [
        Figure(name="masks of a ResNet-50", value=wall, unit="s", target=SECONDS, at_most=True),
        Figure(name="masks of a ResNet-50, on the processor", value=processor, unit="s"),
        Figure(name=f"nested loops, 3x3 of {CHANNELS} channels", value=_loop_seconds() / one, unit="x"),
    ]


def _pruning_step(model: nn.Module) -> Callable[[], None]:
    """Return a pruning step on all layers of ``model``."""
    sparsifier = CrispSparsifier(sparsity=SPARSITY, block=BLOCK, saliency="magnitude")
    sparsifier.prepare(model)
    return lambda: sparsifier.step(SPARSITY)


def _fastest(step: Callable[[], None]) -> tuple[float, float]:
    """Return the least wall and processor seconds of a step; the first is left out, as it starts threads."""
    step()
    times = []
    for _ in range(RUNS):
        wall, processor = time.perf_counter(), time.process_time()
        step()
        times.append((time.perf_counter() - wall, time.process_time() - processor))
    return min(wall for wall, _ in times), min(processor for _, processor in times)


def _loop_seconds() -> float:
    """Return the seconds that nested loops take for the blocks of one layer alone, without choosing any."""
    rows, columns = CHANNELS // BLOCK, 9 * CHANNELS // BLOCK
    blocks = torch.rand(rows, columns, generator=torch.Generator().manual_seed(0)) < 1 - SPARSITY
    started = time.perf_counter()
    mask = loop_mask(blocks)
    seconds = time.perf_counter() - started
    if not torch.equal(mask, blocks.repeat_interleave(BLOCK, 0).repeat_interleave(BLOCK, 1)):
        raise CrispError("the nested loops give another mask than the blocks say")
    return seconds


def loop_mask(blocks: Tensor) -> Tensor:
    """Spread a block mask over its weights, one weight at a time: the cost of CRISP's published code.

    Parameters
    ----------
    blocks : bool[rows, columns].

    Returns
    -------
    bool[rows * BLOCK, columns * BLOCK].
    """
    rows, columns = blocks.shape
    mask = torch.empty(rows * BLOCK, columns * BLOCK, dtype=torch.bool)
    for row in range(rows):
        for column in range(columns):
            for inner_row in range(BLOCK):
                for inner_column in range(BLOCK):
                    weight = (row * BLOCK + inner_row, column * BLOCK + inner_column)
                    mask[weight] = blocks[row, column]
    return mask
