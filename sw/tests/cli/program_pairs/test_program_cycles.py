"""Programs of single layers take exactly the cycles that the cycle model predicts, at any fixed latency."""

from collections.abc import Iterator

import pytest

from crisp_cli.program_pairs.network_pair import check_network
from crisp_golden.arithmetic.inference import run_network
from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_golden.cycles.memory_timing import MemoryTiming
from crisp_golden.stimuli.random_networks import random_network
from crisp_golden.stimuli.small_cores import BUS_WIDTHS
from crisp_sim.accelerator.rtl_bus import RtlBus
from crisp_sw.compile.compiler import compile_network
from crisp_sw.driver.accelerator import Accelerator
from crisp_sw.flows.program_run.network_parts import network_parts
from crisp_sw.programs.costs import program_figures
from crisp_sw.synthetic import example_input

LATENCIES = (1, 7, 40, 200)
NETWORKS = 24


def single_layers(m: int) -> Iterator[QuantizedNetwork]:
    """Layers of random networks, each as a network of its own."""
    for seed in range(100, 100 + NETWORKS):
        network = random_network(seed, m=m)
        for part in network_parts(network, run_network(network, example_input(network))):
            if len(part.layers) == 1:
                yield part.network


@pytest.mark.parametrize("name", list(BUS_WIDTHS))
def test_single_layers_take_the_predicted_cycles(name: str):
    config = BUS_WIDTHS[name]
    bus, count = RtlBus(config), 0
    accelerator = Accelerator(bus)
    for number, network in enumerate(single_layers(config.m)):
        latency = LATENCIES[number % len(LATENCIES)]
        image = compile_network(config, network)
        timing = MemoryTiming(read_latency=latency, write_latency=latency)
        bus.simulation.set_timing(timing)
        check_network(accelerator, network, image)
        predicted = program_figures(image, timing).cycles
        assert accelerator.counters()["total"] == predicted, (network.nodes[0].name, latency)
        count += 1
    assert count > 2 * NETWORKS
