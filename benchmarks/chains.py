"""Chains of equal layers as compiled programs on the RTL of the `edge` accelerator."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from benchmarks.layers import MeasuredLayer
from crisp_golden.arithmetic.inference import INPUT, run_network
from crisp_golden.arithmetic.network import Node, QuantizedConv, QuantizedNetwork
from crisp_golden.cycles.core_cycles import CycleCount, ideal_cycles
from crisp_golden.pack.workload import layer_workload
from crisp_sim.accelerator.rtl_bus import RtlBus
from crisp_sim.errors import BenchError
from crisp_spec.config import preset
from crisp_sw.compile.compiler import compile_network
from crisp_sw.driver.accelerator import Accelerator

ARRAY_CAUSES = tuple(CycleCount.__dataclass_fields__)

RESNET_SHAPES = ((128, 28), (256, 14), (512, 7))
"""Channels, and height and width, of ResNet-50's 3x3 layers of stride 1 in stages 3, 4 and 5."""


@dataclass(frozen=True, kw_only=True)
class ChainRun:
    """What a chain took.

    Attributes
    ----------
    total : cycles of the program, loading its input and storing its result included.
    array : cycles of its jobs, from start to last output.
    bound : of one layer, ``ceil(K / rows) * ceil(P / cols) * kept windows * N``.
    seconds : wall time of the simulation.
    """

    total: int
    array: int
    bound: int
    seconds: float


class ChainBench:
    """The RTL of `edge` with a memory of the latency that the cycle model assumes by default."""

    def __init__(self):
        self.config = preset("edge")
        self.accelerator = Accelerator(RtlBus(self.config))

    def run(self, measured: MeasuredLayer, *, length: int, seed: int) -> ChainRun:
        """Run ``length`` equal layers one behind the other.

        Raises
        ------
        BenchError : the result is not golden's.
        """
        case = measured.case(seed)
        network = chain(case.layer, case.x.shape, length)
        self.accelerator.load(compile_network(self.config, network))
        started = time.perf_counter()
        result = self.accelerator.run(case.x)
        seconds = time.perf_counter() - started
        expected = run_network(network, case.x[None])[network.nodes[-1].name][0]
        if not np.array_equal(result, expected):
            raise BenchError(f"{measured.name}: the RTL's result is not golden's")
        counters = self.accelerator.counters()
        work = layer_workload(self.config, case.layer, case.layer.in_channels)
        return ChainRun(
            total=counters["total"],
            array=sum(counters[cause] for cause in ARRAY_CAUSES),
            bound=ideal_cycles(self.config, work, measured.size, measured.size),
            seconds=seconds,
        )


def chain(layer: QuantizedConv, shape: Iterable[int], length: int) -> QuantizedNetwork:
    """A network in which a layer follows itself."""
    names = [INPUT, *(f"{layer.name} {number}" for number in range(length))]
    nodes = (Node(layer=replace(layer, name=name), inputs=(source,)) for source, name in pairwise(names))
    channels, height, width = shape
    return QuantizedNetwork(
        nodes=tuple(nodes), input_shape=(channels, height, width), input_scale=1.0, input_zero_point=0
    )
