"""ResNet-50's 3x3 layers on the RTL of `edge` and in SCALE-Sim with a 16x16 array: cycles and wall time.

Both have 256 multipliers. SCALE-Sim counts dense cycles; the RTL runs the layer dense and pruned.
"""

from benchmarks.chains import RESNET_SHAPES, ChainBench
from benchmarks.figure import Figure
from benchmarks.layers import M, MeasuredLayer
from benchmarks.scale_sim.layer import ARRAY, run_in_scale_sim

KEPT = 0.28
FASTER = 10


def scale_sim_comparison(seed: int) -> list[Figure]:
    """Run every shape in both simulators."""
    bench, figures = ChainBench(), []
    for channels, size in RESNET_SHAPES:
        name = f"{size}x{size}, {channels} channels"
        dense = MeasuredLayer(name=name, channels=channels, size=size, n=M)
        sparse = MeasuredLayer(name=name, channels=channels, size=size, n=1, kept=KEPT)
        theirs = run_in_scale_sim(dense)
        runs = {
            f"SCALE-Sim, {ARRAY}x{ARRAY}, dense": (theirs.cycles, theirs.seconds),
            **{
                f"RTL, {kind}": (run.total, run.seconds)
                for kind, run in (
                    ("dense", bench.run(dense, length=1, seed=seed)),
                    (f"1:{M} in {KEPT:.0%} of the blocks", bench.run(sparse, length=1, seed=seed)),
                )
            },
        }
        figures += [
            Figure(name=f"{name}, {kind}: {cycles:,} cycles", value=seconds, unit="s")
            for kind, (cycles, seconds) in runs.items()
        ]
        _, ours = list(runs.values())[-1]
        figures.append(
            Figure(
                name=f"{name}: wall time of SCALE-Sim over that of the RTL, sparse",
                value=theirs.seconds / ours,
                unit="x",
                target=FASTER,
            )
        )
    return figures
