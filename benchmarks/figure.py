"""A measured figure beside the target that it has to reach."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.layers import MeasuredLayer
from crisp_sim.devices import core_verilog
from crisp_sim.runs.runner import Bench, run_bench
from crisp_spec.config import preset


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One result of a benchmark.

    Attributes
    ----------
    target : the least value to reach; None if there is none.
    at_most : the target is the most that the value may be, not the least.
    """

    name: str
    value: float
    unit: str
    target: float | None = None
    at_most: bool = False

    @property
    def reached(self) -> bool:
        """Whether the target is reached, or there is none."""
        if self.target is None:
            return True
        return self.value <= self.target if self.at_most else self.value >= self.target


def measure_layers(
    layers: Sequence[MeasuredLayer], *, preset_name: str, seed: int = 1
) -> list[dict[str, Any]]:
    """Run layers on a preset's core on Verilator; return what ``bench_layers`` recorded for each."""
    config = preset(preset_name)
    bench = Bench(
        verilog=core_verilog(config),
        top="crisp_core",
        module="benchmarks.bench_layers",
        tests=1,
        parameters={
            "config": asdict(config),
            "seed": seed,
            "layers": [asdict(layer) for layer in layers],
        },
    )
    return run_bench(bench).measurements["layers"]
