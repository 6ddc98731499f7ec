"""Compiled random networks on the RTL of the whole accelerator, against golden's simulator: every byte."""

from dataclasses import replace

import numpy as np
import pytest

from crisp_cli.program_pairs.network_pair import (
    TIMEOUT,
    check_counters,
    check_network,
    check_segments,
    load_image,
    random_input,
    read_segments,
    segments_after,
)
from crisp_golden.cycles.memory_timing import MemoryTiming
from crisp_golden.machine.program_image import ProgramImage
from crisp_golden.stimuli.random_networks import random_network
from crisp_golden.stimuli.small_cores import BUS_WIDTHS
from crisp_sim.accelerator.rtl_bus import RtlBus
from crisp_spec.commands import COMMAND_BYTES
from crisp_spec.error_codes import ErrorCode, ProgramError
from crisp_sw.compile.compiler import compile_network
from crisp_sw.driver.accelerator import Accelerator
from crisp_sw.driver.errors import DriverError
from crisp_sw.driver.simulated_bus import SimulatedBus

LATENCIES = (1, 20, 200)
NETWORKS = 8


@pytest.fixture(scope="module", params=BUS_WIDTHS)
def bus(request) -> RtlBus:
    return RtlBus(BUS_WIDTHS[request.param])


@pytest.fixture
def accelerator(bus) -> Accelerator:
    """An accelerator on which other programs have run before."""
    bus.simulation.set_timing(MemoryTiming())
    bus.simulation.set_faults()
    return Accelerator(bus)


@pytest.mark.parametrize("latency", LATENCIES)
@pytest.mark.parametrize("seed", range(NETWORKS))
def test_random_networks_give_the_bytes_of_golden(accelerator, seed, latency):
    network = random_network(seed, m=accelerator.config.m)
    accelerator.bus.simulation.set_timing(MemoryTiming(read_latency=latency, write_latency=latency))
    for fuse in (True, False):
        check_network(accelerator, network, compile_network(accelerator.config, network, fuse=fuse))
    assert accelerator.bus.simulation.quiet


@pytest.mark.parametrize("name", BUS_WIDTHS)
def test_programs_of_several_users_follow_each_other_without_a_reset(name):
    """With the same history even what is left on the chip is the same."""
    config = BUS_WIDTHS[name]
    rtl, golden = Accelerator(RtlBus(config)), Accelerator(SimulatedBus(config))
    for seed in (40, 41, 42, 40):
        network = random_network(seed, m=config.m)
        image, x = compile_network(config, network), random_input(network)
        expected = segments_after(golden, image, x, everything=True)
        check_segments(expected, segments_after(rtl, image, x, everything=True))
        check_counters(rtl)


@pytest.mark.parametrize("interval", [2, 5])
def test_slow_memory_changes_cycles_only(accelerator, interval):
    network = random_network(30, m=accelerator.config.m)
    image = compile_network(accelerator.config, network, keep=True)
    check_network(accelerator, network, image)
    fast = accelerator.counters()
    timing = MemoryTiming(read_interval=interval, write_interval=2 * interval)
    accelerator.bus.simulation.set_timing(timing)
    check_network(accelerator, network, image)
    slow = accelerator.counters()
    assert slow["total"] > fast["total"]
    same = ("compute", "residual", "read_beats", "write_beats", "fetch_beats")
    assert {name: slow[name] for name in same} == {name: fast[name] for name in same}


def damaged(image: ProgramImage, index: int) -> ProgramImage:
    """The image with a command that is none."""
    contents = bytearray(image.contents)
    contents[index * COMMAND_BYTES : (index + 1) * COMMAND_BYTES] = bytes(COMMAND_BYTES)
    return replace(image, contents=bytes(contents))


@pytest.mark.parametrize("name", BUS_WIDTHS)
def test_a_program_that_stops_leaves_the_segments_that_golden_leaves(name):
    config = BUS_WIDTHS[name]
    machines = Accelerator(SimulatedBus(config)), Accelerator(RtlBus(config))
    network = random_network(35, m=config.m)
    image = compile_network(config, network, fuse=False)
    for index in np.linspace(1, image.commands - 1, 8).astype(int).tolist():
        segments = []
        for accelerator in machines:
            load_image(accelerator, damaged(image, index))
            with pytest.raises(ProgramError) as caught:
                accelerator.run(random_input(network), timeout=TIMEOUT)
            assert (caught.value.code, caught.value.index) == (ErrorCode.ILLEGAL_COMMAND, index)
            segments.append(read_segments(accelerator))
            accelerator.reset()
        check_segments(*segments)


def test_an_error_between_two_programs_leaves_nothing_behind(accelerator):
    network = random_network(31, m=accelerator.config.m)
    image = compile_network(accelerator.config, network)
    for index in (0, image.commands // 2, image.commands - 1):
        accelerator.load(damaged(image, index))
        with pytest.raises(ProgramError) as caught:
            accelerator.run(random_input(network), timeout=TIMEOUT)
        assert (caught.value.code, caught.value.index) == (ErrorCode.ILLEGAL_COMMAND, index)
        check_counters(accelerator)
        accelerator.reset()
        check_network(accelerator, network, image)


def test_a_failing_memory_is_reported_with_the_command_that_met_it(accelerator):
    network = random_network(32, m=accelerator.config.m)
    image = compile_network(accelerator.config, network)
    for segment, code in ((0, ErrorCode.BUS_READ), (1, ErrorCode.BUS_READ), (2, ErrorCode.BUS_WRITE)):
        accelerator.load(image)
        address, size = accelerator.segments()[segment]
        start = address + (image.commands * COMMAND_BYTES if segment == 0 else 0)
        faults = [range(start, address + size)]
        accelerator.bus.simulation.set_faults(reads=faults, writes=faults)
        with pytest.raises(ProgramError) as caught:
            accelerator.run(random_input(network), timeout=TIMEOUT)
        assert caught.value.code == code
        accelerator.bus.simulation.set_faults()
        check_network(accelerator, network, image)


def test_a_reset_in_the_middle_of_a_program(accelerator):
    network = random_network(33, m=accelerator.config.m)
    image = compile_network(accelerator.config, network)
    accelerator.load(image)
    accelerator.run(random_input(network), timeout=TIMEOUT)
    total = accelerator.counters()["total"]
    for cycles in np.linspace(1, total - 1, 12).astype(int).tolist():
        accelerator.start()
        with pytest.raises(DriverError, match=f"no interrupt within {cycles} cycles"):
            accelerator.wait(timeout=cycles)
        accelerator.reset()
        assert accelerator.bus.simulation.quiet
    check_network(accelerator, network, image)


def test_the_watchdog_ends_a_program_that_takes_too_long(accelerator):
    network = random_network(34, m=accelerator.config.m)
    image = compile_network(accelerator.config, network)
    accelerator.load(image)
    with pytest.raises(ProgramError) as caught:
        accelerator.run(random_input(network), watchdog=500, timeout=TIMEOUT)
    assert caught.value.code == ErrorCode.WATCHDOG
    assert accelerator.bus.simulation.quiet
    check_network(accelerator, network, image)
