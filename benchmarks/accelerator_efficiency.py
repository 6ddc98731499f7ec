"""How close the whole accelerator comes to the array's own bound on ResNet-50's 3x3 layers, for every N.

The bound is ``ceil(K / rows) * ceil(P / cols) * kept windows * N``. *In its jobs* counts the cycles from a
job's start to its last output. *In a chain* counts what one layer more takes in a program of such layers,
waiting for weights and tensors included; it may fall below the bound where the layer before waited less.
"""

from benchmarks.chains import RESNET_SHAPES, ChainBench
from benchmarks.figure import Figure
from benchmarks.layers import M, MeasuredLayer

MOST = 1 / 0.98
SPEEDUP = 14
KEPT = 0.28
CHAIN = 3


def accelerator_efficiency(seed: int) -> list[Figure]:
    """Run every shape with every N dense in blocks, and with 1:4 in 28% of the blocks."""
    bench, figures, speedups = ChainBench(), [], []
    for channels, size in RESNET_SHAPES:
        shape = f"{size}x{size}, {channels} channels"
        runs = []
        for n in range(1, M + 1):
            layer = MeasuredLayer(name=f"{n}:{M}", channels=channels, size=size, n=n)
            runs.append(_run(bench, layer, seed))
            jobs, one_more, bound = runs[-1]
            figures.append(_ratio(f"{shape}, {layer.name}: in its jobs", jobs, bound))
            figures.append(_ratio(f"{shape}, {layer.name}: in a chain", one_more, bound))
        sparse = MeasuredLayer(name="sparse", channels=channels, size=size, n=1, kept=KEPT)
        dense, pruned = runs[-1][1], _run(bench, sparse, seed)[1]
        speedups.append(dense / pruned)
        name = f"{shape}, 1:{M} in {KEPT:.0%} of the blocks: {dense:,} / {pruned:,} cycles, dense / sparse"
        figures.append(Figure(name=name, value=speedups[-1], unit="x"))
    return [*figures, Figure(name="largest of these", value=max(speedups), unit="x", target=SPEEDUP)]


def _run(bench: ChainBench, layer: MeasuredLayer, seed: int) -> tuple[int, int, int]:
    """Cycles of a layer in its jobs, of one layer more in a chain, and the bound."""
    single, shorter, longer = (bench.run(layer, length=length, seed=seed) for length in (1, CHAIN - 1, CHAIN))
    return single.array, longer.total - shorter.total, single.bound


def _ratio(name: str, cycles: int, bound: int) -> Figure:
    full = f"{name}: {cycles:,} / {bound:,} cycles"
    return Figure(name=full, value=cycles / bound, unit="x", target=MOST, at_most=True)
