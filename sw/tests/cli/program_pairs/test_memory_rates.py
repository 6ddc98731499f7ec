"""The predicted cycles of single layers are those of the RTL on every bus, at any rate of beats."""

from itertools import cycle

import pytest

from crisp_cli.program_pairs.network_pair import check_network
from crisp_golden.cycles.memory_timing import MemoryTiming
from crisp_golden.stimuli.small_cores import BUS_WIDTHS
from crisp_sim.accelerator.rtl_bus import RtlBus
from crisp_sw.compile.compiler import compile_network
from crisp_sw.driver.accelerator import Accelerator
from crisp_sw.programs.costs import program_figures
from sw.tests.cli.program_pairs.test_program_cycles import single_layers

LAYERS = 32
TIMINGS = tuple(
    MemoryTiming(
        read_latency=read_latency,
        write_latency=write_latency,
        read_interval=read_interval,
        write_interval=write_interval,
    )
    for read_latency, write_latency, read_interval, write_interval in (
        (7, 40, 2, 2),
        (1, 200, 3, 1),
        (200, 1, 1, 3),
        (20, 20, 5, 4),
    )
)


@pytest.mark.parametrize("name", BUS_WIDTHS)
def test_single_layers_take_the_predicted_cycles_at_any_rate_of_beats(name):
    config = BUS_WIDTHS[name]
    bus = RtlBus(config)
    accelerator = Accelerator(bus)
    wrong = []
    for network, timing, _ in zip(single_layers(config.m), cycle(TIMINGS), range(LAYERS), strict=False):
        image = compile_network(config, network)
        bus.simulation.set_timing(timing)
        check_network(accelerator, network, image)
        predicted = program_figures(image, timing).cycles
        taken = accelerator.counters()["total"]
        if taken != predicted:
            wrong.append((network.nodes[0].name, timing, taken, predicted))
    assert wrong == []
