"""Compiled random networks on the RTL of the whole accelerator, against golden's simulator: every byte."""

from dataclasses import replace

import numpy as np
import pytest

from cocotb_tests.accelerator.rtl_bus import RtlBus
from cocotb_tests.accelerator.simulation import MemoryTiming
from crisp_golden.config import CoreConfig, preset
from crisp_golden.inference import run_network
from crisp_golden.network import QuantizedNetwork
from crisp_golden.program.commands import COMMAND_BYTES
from crisp_golden.program.errors import ErrorCode, ProgramError
from crisp_golden.program.image import ProgramImage
from crisp_golden.program.registers import COUNTERS
from crisp_sw.compile.compiler import compile_network
from crisp_sw.driver.accelerator import Accelerator
from crisp_sw.driver.errors import DriverError
from crisp_sw.driver.simulated_bus import SimulatedBus
from golden.tests.random_networks import random_network

CONFIGS = {
    "tiny": preset("tiny"),
    "wide": CoreConfig(
        rows=4,
        cols=4,
        lanes=4,
        load_rows=2,
        tile_depth=8,
        smem_words=2048,
        weight_words=2048,
        drain_cols=2,
        bus_bits=128,
    ),
}
LATENCIES = (1, 20, 200)
NETWORKS = 8
TIMEOUT = 3_000_000
EMPTY = np.empty(0, np.uint8)


@pytest.fixture(scope="module", params=CONFIGS)
def bus(request) -> RtlBus:
    return RtlBus(CONFIGS[request.param])


@pytest.fixture
def accelerator(bus) -> Accelerator:
    """An accelerator on which other programs have run before."""
    bus.simulation.set_timing(MemoryTiming())
    bus.simulation.set_faults()
    return Accelerator(bus)


def random_input(network: QuantizedNetwork, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(-128, 128, network.input_shape).astype(np.int8)


def windows_after(
    accelerator: Accelerator, image: ProgramImage, x: np.ndarray, *, everything: bool = False
) -> list[np.ndarray]:
    """All windows after a run that found the same random bytes there for everyone.

    Without ``everything`` channels that only fill up a window of a tensor are 0: nobody reads them, and they
    may hold what an earlier program has left in the activation memory.
    """
    accelerator.load(image)
    rng = np.random.default_rng(7)
    for address, size in accelerator.windows()[1:]:
        if size:
            accelerator.bus.write_memory(address, rng.integers(0, 256, size, np.uint8))
    accelerator.run(x, timeout=TIMEOUT)
    found = [accelerator.bus.read_memory(*place) if place[1] else EMPTY for place in accelerator.windows()]
    for tensor in () if everything else (image.output, *image.kept):
        place = slice(tensor.offset, tensor.offset + tensor.size(image.config))
        clean = tensor.pack(tensor.unpack(found[tensor.window][place], image.config), image.config)
        found[tensor.window][place] = clean
    return found


def check_windows(expected: list[np.ndarray], found: list[np.ndarray]) -> None:
    for number, (a, b) in enumerate(zip(expected, found, strict=True)):
        assert np.array_equal(a, b), f"window {number} differs from byte {np.flatnonzero(a != b)[0]} on"


def check_counters(accelerator: Accelerator) -> None:
    """Every cycle of a program is counted for exactly one cause."""
    values = accelerator.counters()
    names = [name for name, _ in COUNTERS]
    causes = names[names.index("prologue") : names.index("idle") + 1]
    assert sum(values[name] for name in causes) == values["total"] > 0, values


def check_network(accelerator: Accelerator, network: QuantizedNetwork, image: ProgramImage) -> None:
    """Run an image; result, all windows and counters must be right."""
    x = random_input(network)
    expected = windows_after(Accelerator(SimulatedBus(accelerator.config)), image, x)
    found = windows_after(accelerator, image, x)
    check_windows(expected, found)
    result = run_network(network, x[None])[network.nodes[-1].name][0]
    assert np.array_equal(accelerator.read(image.output.name), result)
    check_counters(accelerator)


@pytest.mark.parametrize("latency", LATENCIES)
@pytest.mark.parametrize("seed", range(NETWORKS))
def test_random_networks_give_the_bytes_of_golden(accelerator, seed, latency):
    network = random_network(seed, m=accelerator.config.m)
    accelerator.bus.simulation.set_timing(MemoryTiming(read_latency=latency, write_latency=latency))
    for fuse in (True, False):
        check_network(accelerator, network, compile_network(accelerator.config, network, fuse=fuse))
    assert accelerator.bus.simulation.quiet


@pytest.mark.parametrize("name", CONFIGS)
def test_programs_of_several_users_follow_each_other_without_a_reset(name):
    """With the same history even what is left on the chip is the same."""
    config = CONFIGS[name]
    rtl, golden = Accelerator(RtlBus(config)), Accelerator(SimulatedBus(config))
    for seed in (40, 41, 42, 40):
        network = random_network(seed, m=config.m)
        image, x = compile_network(config, network), random_input(network)
        expected = windows_after(golden, image, x, everything=True)
        check_windows(expected, windows_after(rtl, image, x, everything=True))
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


def test_an_error_between_two_programs_leaves_nothing_behind(accelerator):
    network = random_network(31, m=accelerator.config.m)
    image = compile_network(accelerator.config, network)
    for index in (0, image.commands // 2, image.commands - 1):
        damaged = bytearray(image.contents)
        damaged[index * COMMAND_BYTES : (index + 1) * COMMAND_BYTES] = bytes(COMMAND_BYTES)
        accelerator.load(replace(image, contents=bytes(damaged)))
        with pytest.raises(ProgramError) as caught:
            accelerator.run(random_input(network), timeout=TIMEOUT)
        assert (caught.value.code, caught.value.index) == (ErrorCode.ILLEGAL_COMMAND, index)
        check_counters(accelerator)
        accelerator.reset()
        check_network(accelerator, network, image)


def test_a_failing_memory_is_reported_with_the_command_that_met_it(accelerator):
    network = random_network(32, m=accelerator.config.m)
    image = compile_network(accelerator.config, network)
    for window, code in ((0, ErrorCode.BUS_READ), (1, ErrorCode.BUS_READ), (2, ErrorCode.BUS_WRITE)):
        accelerator.load(image)
        address, size = accelerator.windows()[window]
        start = address + (image.commands * COMMAND_BYTES if window == 0 else 0)
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
