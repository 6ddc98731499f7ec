"""The one list of the benches that ``python -m cocotb_tests run`` knows."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from crisp_sim.devices import device_verilog
from crisp_sim.errors import ToolError
from crisp_sim.runs.runner import Bench
from crisp_spec.config import CoreConfig


@dataclass(frozen=True, kw_only=True)
class RegisteredBench:
    """A bench that can be made for any configuration of the core.

    Attributes
    ----------
    name : what a user selects it by.
    summary : what it proves, in one line.
    device : name of the device in ``devices.DEVICES``.
    module : dotted name of the Python module with the cocotb tests.
    tests : number of tests in ``module``.
    parameters : of the tests, besides the configuration and the seed.
    on_icarus : parameters that are different on Icarus, which is a hundred times slower.
    """

    name: str
    summary: str
    device: str
    module: str
    tests: int = 1
    parameters: Mapping[str, Any] = field(default_factory=dict)
    on_icarus: Mapping[str, Any] = field(default_factory=dict)

    def bench(self, config: CoreConfig, *, seed: int, sim: str) -> Bench:
        """Return the bench for a configuration, writing the Verilog of its device if need be."""
        slower = self.on_icarus if sim == "icarus" else {}
        return Bench(
            verilog=device_verilog(self.device, config),
            top=self.device,
            module=self.module,
            tests=self.tests,
            parameters={"config": asdict(config), "seed": seed, **self.parameters, **slower},
        )


BENCHES = (
    RegisteredBench(
        name="lane",
        summary="N:M lane: dot products for every N",
        device="crisp_lane",
        module="cocotb_tests.units.bench_lane",
        parameters={"groups": 400},
    ),
    RegisteredBench(
        name="decoder",
        summary="block-index decoder: every window of random lists, in order, under back-pressure",
        device="crisp_decoder",
        module="cocotb_tests.units.bench_decoder",
        parameters={"cases": 40},
    ),
    RegisteredBench(
        name="activation_memory",
        summary="banked activation memory: random reads and writes at every rotation",
        device="crisp_activation_memory",
        module="cocotb_tests.units.bench_activation_memory",
        parameters={"cycles": 4000},
    ),
    RegisteredBench(
        name="output_lane",
        summary="output stage: bias, requantization, residual and clamp",
        device="crisp_output_lane",
        module="cocotb_tests.units.bench_output_lane",
        parameters={"layers": 40, "outputs": 200},
    ),
    RegisteredBench(
        name="row_chain",
        summary="chain of array rows: multiply, accumulate and drain random tiles",
        device="crisp_row_chain",
        module="cocotb_tests.units.bench_row_chain",
        parameters={"layers": 12, "tiles": 5},
        on_icarus={"layers": 4},
    ),
    RegisteredBench(
        name="core",
        summary="whole core: control, memory ports and counters",
        device="crisp_core",
        module="cocotb_tests.units.bench_core",
        tests=9,
    ),
    RegisteredBench(
        name="random_jobs",
        summary="whole core: any legal job, also while others use its activation memory",
        device="crisp_core",
        module="cocotb_tests.jobs.bench_jobs",
        tests=2,
        parameters={"first": 0, "jobs": 60},
        on_icarus={"jobs": 3},
    ),
    RegisteredBench(
        name="random_layers",
        summary="whole core: random layers, equal bits and equal cycles",
        device="crisp_core",
        module="crisp_sim.core.bench_random_layers",
        tests=2,
        parameters={"first": 0, "cases": 48, "size": 12},
        on_icarus={"cases": 4, "size": 6},
    ),
    RegisteredBench(
        name="protocol",
        summary="whole accelerator on its AXI ports: random programs, pauses, errors and resets",
        device="crisp_stc",
        module="cocotb_tests.protocol.bench_protocol",
        tests=7,
        parameters={"programs": 3},
        on_icarus={"programs": 1},
    ),
)


def select(pattern: str | None, benches: tuple[RegisteredBench, ...] = BENCHES) -> list[RegisteredBench]:
    """Return the benches whose name contains a match of the regular expression ``pattern``; None is all.

    Raises
    ------
    ToolError : the pattern is no regular expression, or no bench matches; the message lists those there are.
    """
    try:
        selected = [bench for bench in benches if re.search(pattern or "", bench.name)]
    except re.error as error:
        raise ToolError(f"{pattern!r} is not a regular expression: {error}") from None
    if not selected:
        raise ToolError(
            f"no bench matches {pattern!r}; expected one of {', '.join(bench.name for bench in benches)}"
        )
    return selected
