"""The host API over golden's simulator: networks, errors, resets, refusals."""

from dataclasses import replace

import numpy as np
import pytest

from crisp_golden.arithmetic.inference import run_network
from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_golden.machine.program_image import ImageError, ProgramImage
from crisp_golden.stimuli.random_networks import random_network
from crisp_spec.commands import COMMAND_BYTES
from crisp_spec.config import preset
from crisp_spec.error_codes import ErrorCode, ProgramError
from crisp_spec.errors import LayerError
from crisp_spec.registers import COUNTERS
from crisp_sw.compile.compiler import compile_network
from crisp_sw.driver.accelerator import Accelerator
from crisp_sw.driver.errors import DriverError
from crisp_sw.driver.simulated_bus import SimulatedBus

TINY = preset("tiny")
LAST_PAGE = (1 << 64) - 4096


class SilentBus(SimulatedBus):
    """Its interrupt never comes."""

    def wait_interrupt(self, cycles: int) -> bool:
        return False


class CrookedBus(SimulatedBus):
    """Its blocks begin 64 bytes behind a page's start, from the ``aligned``-th on."""

    aligned = 2

    def allocate(self, size: int) -> int:
        address = super().allocate(size)
        if len(self.memory) <= self.aligned:
            return address
        self.memory[address + 64] = self.memory.pop(address)
        return address + 64


class WatchedBus(SimulatedBus):
    """Remembers what has been written to registers."""

    def __init__(self, config):
        self.writes: list[tuple[int, int]] = []
        super().__init__(config)

    def write32(self, offset: int, value: int) -> None:
        self.writes.append((offset, value))
        super().write32(offset, value)


def example(seed: int = 3, **options: bool) -> tuple[QuantizedNetwork, ProgramImage, np.ndarray]:
    network = random_network(seed)
    x = np.random.default_rng(seed).integers(-128, 128, network.input_shape).astype(np.int8)
    return network, compile_network(TINY, network, **options), x


def test_a_network_gives_the_result_and_the_tensors_of_golden():
    network, image, x = example(keep=True)
    accelerator = Accelerator(SimulatedBus(TINY))
    accelerator.load(image)
    expected = run_network(network, x[None])
    assert np.array_equal(accelerator.run(x), expected[network.nodes[-1].name][0])
    assert len(image.kept) == len(network.nodes) - 1
    for tensor in (*image.kept, image.output):
        assert np.array_equal(accelerator.read(tensor.name), expected[tensor.name][0])
    assert list(accelerator.counters()) == [name for name, _ in COUNTERS]


def test_the_next_image_needs_no_new_load_and_the_next_network_takes_the_place_of_the_last():
    bus = SimulatedBus(TINY)
    accelerator = Accelerator(bus)
    for seed in (3, 4):
        network, image, _ = example(seed)
        accelerator.load(image)
        for number in range(3):
            x = np.random.default_rng(number).integers(-128, 128, network.input_shape).astype(np.int8)
            expected = run_network(network, x[None])[network.nodes[-1].name][0]
            assert np.array_equal(accelerator.run(x), expected)
        assert len(bus.memory) == sum(size > 0 for _, size in accelerator.segments())
    accelerator.unload()
    assert not bus.memory


def test_an_error_names_code_command_and_stage_and_the_next_program_runs():
    network, image, x = example()
    stage, index, _ = image.spans[1]
    damaged = bytearray(image.contents)
    damaged[index * COMMAND_BYTES + COMMAND_BYTES - 1] |= 0x80
    accelerator = Accelerator(SimulatedBus(TINY))
    accelerator.load(replace(image, contents=bytes(damaged)))
    with pytest.raises(ProgramError, match=f"command {index}: ILLEGAL_COMMAND: in {stage}") as caught:
        accelerator.run(x)
    assert (caught.value.code, caught.value.index) == (ErrorCode.ILLEGAL_COMMAND, index)
    accelerator.reset()
    assert accelerator.registers.read("status")["error"] == 0
    accelerator.load(image)
    expected = run_network(network, x[None])[network.nodes[-1].name][0]
    assert np.array_equal(accelerator.run(x), expected)


def test_a_damaged_image_is_refused():
    _, image, _ = example()
    data = bytearray(image.to_bytes())
    assert ProgramImage.from_bytes(bytes(data)).contents == image.contents
    data[-5] ^= 1
    with pytest.raises(ImageError, match="checksum"):
        ProgramImage.from_bytes(bytes(data))


def test_an_image_for_another_configuration_is_refused_before_anything_happens():
    _, image, _ = example()
    bus = WatchedBus(replace(TINY, smem_words=4096, drain_cols=2))
    accelerator = Accelerator(bus)
    with pytest.raises(
        DriverError, match="`smem_words` is 4096, expected 2048; `drain_cols` is 2, expected 1"
    ):
        accelerator.load(image)
    assert not bus.writes
    assert not bus.memory


def test_memory_where_no_segment_may_begin_is_refused_and_given_back():
    _, image, _ = example()
    bus = CrookedBus(TINY)
    accelerator = Accelerator(bus)
    with pytest.raises(
        DriverError, match=r"^segment 2 begins at 0x[0-9a-f]+040, expected a multiple of 4096$"
    ):
        accelerator.load(image)
    assert not bus.memory
    with pytest.raises(DriverError, match="no network is loaded"):
        accelerator.start()


class TopBus(SimulatedBus):
    """Its first block begins at the last page of the address space, however large it is."""

    def allocate(self, size: int) -> int:
        address = super().allocate(size)
        if len(self.memory) > 1:
            return address
        self.memory[LAST_PAGE] = self.memory.pop(address)
        return LAST_PAGE


def test_memory_that_leaves_the_address_space_is_refused_and_given_back():
    _, image, _ = example()
    bus = TopBus(TINY)
    with pytest.raises(
        DriverError, match=r"^segment 0 of 8192 bytes at 0xf+000 leaves the 64-bit address space$"
    ):
        Accelerator(bus).load(replace(image, contents=image.contents.ljust(8192, b"\0")))
    assert not bus.memory


def test_segments_are_as_large_as_the_image_says_and_permit_no_more_than_they_must():
    _, image, x = example(keep=True)
    accelerator = Accelerator(SimulatedBus(TINY))
    accelerator.load(image)
    accelerator.run(x)
    read = accelerator.registers.read
    sizes = [read(f"segment_{number}_size")["bytes"] for number in range(4)]
    assert sizes == [len(image.contents), *image.sizes]
    permissions = [tuple(read(f"segment_{number}_permissions").values()) for number in range(4)]
    assert permissions == [(1, 0), (1, 0), (0, 1), (1, 1)]


def test_an_image_of_another_shape_or_type_is_refused_before_it_is_written():
    _, image, x = example()
    bus = WatchedBus(TINY)
    accelerator = Accelerator(bus)
    accelerator.load(image)
    wide = np.pad(x, ((0, 0), (0, 0), (0, 1)))
    for wrong in (x[None], wide, x[:, 1:], x.astype(np.float32), x.view(np.uint8)):
        with pytest.raises(LayerError) as caught:
            accelerator.run(wrong)
        expected = f"the image is {wrong.dtype} of shape {wrong.shape}, expected int8 of {x.shape}"
        assert str(caught.value) == expected
    assert not bus.writes
    assert not accelerator.read("input").any()


def test_what_the_host_must_not_do_is_refused_with_a_reason():
    _, image, x = example()
    accelerator = Accelerator(SilentBus(TINY))
    for call in (accelerator.start, accelerator.segments, lambda: accelerator.run(x)):
        with pytest.raises(DriverError, match="no network is loaded"):
            call()
    accelerator.load(image)
    with pytest.raises(DriverError, match="no tensor 'nothing' in memory; expected one of input"):
        accelerator.read("nothing")
    with pytest.raises(DriverError, match="no interrupt within 77 cycles"):
        accelerator.run(x, timeout=77)
