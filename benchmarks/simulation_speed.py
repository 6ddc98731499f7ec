"""Clock cycles per second of the `edge` core on Verilator, while Python sleeps from start to done."""

from benchmarks.figure import Figure, measure_layers
from benchmarks.layers import MeasuredLayer

LAYER = MeasuredLayer(name="3x3, 128 to 128 channels, 28x28, 1:4", channels=128, size=28, n=1)
CYCLES_PER_SECOND = 300_000
RUNS = 5


def simulation_speed(seed: int) -> list[Figure]:
    """Measure the speed of one long layer, and the time that its words take through the ports of the core.

    The fastest of several runs counts: the others were slowed down by something else on the machine.
    """
    layers = measure_layers([LAYER] * RUNS, preset_name="edge", seed=seed)
    layer = min(layers, key=lambda layer: layer["run_seconds"])
    speed = layer["cycles"] / layer["run_seconds"]
    return [
        Figure(name="edge on Verilator", value=speed, unit="cycles/s", target=CYCLES_PER_SECOND),
        Figure(name="preload of that layer", value=layer["preload_seconds"], unit="s"),
        Figure(name="run of that layer", value=layer["run_seconds"], unit="s"),
        Figure(name="readback of that layer", value=layer["readback_seconds"], unit="s"),
    ]
