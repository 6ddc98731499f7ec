"""Compiled networks on golden's simulator and on the RTL: results, segments byte by byte, and counters."""

import numpy as np

from crisp_golden.arithmetic.inference import run_network
from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_golden.machine.program_image import ProgramImage
from crisp_spec.commands import COMMAND_BYTES
from crisp_spec.cycle_causes import PROGRAM_CAUSES
from crisp_sw.driver.accelerator import Accelerator
from crisp_sw.driver.simulated_bus import SimulatedBus
from crisp_sw.programs.costs import program_figures

TIMEOUT = 3_000_000
"""Cycles within which every random network ends."""

EMPTY = np.empty(0, np.uint8)


def random_input(network: QuantizedNetwork, seed: int = 1) -> np.ndarray:
    """An image int8[C, H, W] for a network."""
    return np.random.default_rng(seed).integers(-128, 128, network.input_shape).astype(np.int8)


def load_image(accelerator: Accelerator, image: ProgramImage) -> None:
    """Load an image, with the same random bytes in all other segments for everyone."""
    accelerator.load(image)
    rng = np.random.default_rng(7)
    for address, size in accelerator.segments()[1:]:
        if size:
            accelerator.bus.write_memory(address, rng.integers(0, 256, size, np.uint8))


def read_segments(accelerator: Accelerator) -> list[np.ndarray]:
    """Contents of all segments."""
    return [accelerator.bus.read_memory(*place) if place[1] else EMPTY for place in accelerator.segments()]


def segments_after(
    accelerator: Accelerator, image: ProgramImage, x: np.ndarray, *, everything: bool = False
) -> list[np.ndarray]:
    """All segments after a run, see ``load_image``.

    Without ``everything`` channels that only fill up a word of a tensor are 0: nobody reads them, and they
    may hold what an earlier program has left in the activation memory.
    """
    load_image(accelerator, image)
    accelerator.run(x, timeout=TIMEOUT)
    found = read_segments(accelerator)
    for tensor in () if everything else (image.output, *image.kept):
        place = slice(tensor.offset, tensor.offset + tensor.size(image.config))
        clean = tensor.pack(tensor.unpack(found[tensor.segment][place], image.config), image.config)
        found[tensor.segment][place] = clean
    return found


def check_segments(expected: list[np.ndarray], found: list[np.ndarray]) -> None:
    """Demand that all segments are equal."""
    for number, (a, b) in enumerate(zip(expected, found, strict=True)):
        assert np.array_equal(a, b), f"segment {number} differs from byte {np.flatnonzero(a != b)[0]} on"


def check_counters(accelerator: Accelerator) -> None:
    """Demand that every cycle of the last program is counted for exactly one cause."""
    values = accelerator.counters()
    assert sum(values[cause] for cause in PROGRAM_CAUSES) == values["total"] > 0, values


def check_traffic(accelerator: Accelerator, image: ProgramImage) -> None:
    """Demand that the last program has moved the predicted beats over the bus."""
    values, step, moved = accelerator.counters(), image.config.bus_bits // 8, program_figures(image).whole
    beats = [values[f"{name}_beats"] for name in ("read", "write", "fetch")]
    assert [step * count for count in beats] == [moved.read, moved.written, COMMAND_BYTES * image.commands]


def check_network(accelerator: Accelerator, network: QuantizedNetwork, image: ProgramImage) -> None:
    """Run an image on the RTL and on golden; result, all segments, counters and traffic must be right.

    Outside the segments the RTL reaches nothing: no memory is mapped there, which ends its simulation.
    """
    x = random_input(network)
    expected = segments_after(Accelerator(SimulatedBus(accelerator.config)), image, x)
    found = segments_after(accelerator, image, x)
    check_segments(expected, found)
    result = run_network(network, x[None])[network.nodes[-1].name][0]
    assert np.array_equal(accelerator.read(image.output.name), result)
    check_counters(accelerator)
    check_traffic(accelerator, image)
