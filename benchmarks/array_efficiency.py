"""Utilization of the `edge` array for every N, and the speedup of a hybrid pattern on the same core."""

from benchmarks.figure import Figure, measure_layers
from benchmarks.layers import M, MeasuredLayer

UTILIZATION = 95
SPEEDUP = 13.5
KEPT = 0.28


def array_efficiency(seed: int) -> list[Figure]:
    """Run a 3x3 layer of 128 channels on 14x14 pixels with every N, and with 1:4 in 28% of the blocks."""
    layers = [MeasuredLayer(name=f"{n}:{M}", channels=128, size=14, n=n) for n in range(1, M + 1)]
    sparse = MeasuredLayer(name="sparse", channels=128, size=14, n=1, kept=KEPT)
    *by_n, pruned = measure_layers([*layers, sparse], preset_name="edge", seed=seed)
    figures = [
        Figure(
            name=f"utilization at {layer['name']}",
            value=100 * layer["ideal_cycles"] / layer["cycles"],
            unit="%",
            target=UTILIZATION,
        )
        for layer in by_n
    ]
    speedup = by_n[-1]["cycles"] / pruned["cycles"]
    name = f"speedup of 1:{M} in {KEPT:.0%} of the blocks"
    return [*figures, Figure(name=name, value=speedup, unit="x", target=SPEEDUP)]
