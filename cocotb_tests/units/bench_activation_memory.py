"""cocotb bench: banked activation memory with rotator, padding and part writes, against an array of words."""

from dataclasses import dataclass, field

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from cocotb_tests.tb.bits import to_bits, to_int8
from cocotb_tests.tb.clocking import start_clock
from cocotb_tests.tb.parameters import bench_parameters, record_measurements
from crisp_golden.config import CoreConfig
from crisp_golden.timing import ACTIVATION_LATENCY


@dataclass
class MemoryModel:
    """What the memory holds, and the windows that are still to come out, by cycle."""

    config: CoreConfig
    words: np.ndarray
    due: dict[int, np.ndarray] = field(default_factory=dict)

    def write(self, address: int, parts: int, word: np.ndarray) -> None:
        """Replace the parts of ``rows`` channels whose bit is set in ``parts``."""
        rows = self.config.rows
        for part in range(self.config.window // rows):
            if parts >> part & 1:
                self.words[address, part * rows : (part + 1) * rows] = word[part * rows : (part + 1) * rows]

    def read(self, cycle: int, address: int, inside: int, zero_point: int) -> None:
        """Expect ``cols`` consecutive words, the zero point in columns that are not inside."""
        columns = self.columns(address)
        windows = self.words[columns].copy()
        windows[[not inside >> col & 1 for col in range(self.config.cols)]] = zero_point
        self.due[cycle + ACTIVATION_LATENCY] = windows

    def columns(self, address: int) -> np.ndarray:
        """Addresses that a read touches; they wrap round at the end of the memory."""
        return (address + np.arange(self.config.cols)) % self.config.smem_words


@cocotb.test()
async def random_reads_and_part_writes(dut):
    """Parameters: config, seed, cycles. Reads and writes are idle at random, often at the same time."""
    parameters = bench_parameters()
    config = CoreConfig(**parameters["config"])
    rng = np.random.default_rng(parameters["seed"])
    zero_point = int(rng.integers(-128, 128))
    model = MemoryModel(config, np.zeros((config.smem_words, config.window), np.int8))
    await start_clock(
        dut, read_en=0, read_addr=0, write_en=0, write_addr=0, write_data=0, zero_point=zero_point & 0xFF
    )
    await _fill(dut, model, rng)
    compared, reading = 0, np.empty(0, int)
    for cycle in range(parameters["cycles"] + ACTIVATION_LATENCY):
        compared += _compare(dut, model, cycle)
        write = _random_write(dut, model, rng, avoid=reading)
        reading = np.empty(0, int)
        if rng.random() < 0.8 and cycle < parameters["cycles"]:
            address = _near_ends(rng, config.smem_words)
            if write not in model.columns(address):
                reading = model.columns(address)
                _request(dut, model, rng, cycle, address, zero_point)
        dut.read_en.value = int(len(reading) > 0)
        await FallingEdge(dut.clk)
    assert not model.due, f"reads without an answer: {sorted(model.due)}"
    record_measurements({"compared": compared})


async def _fill(dut, model: MemoryModel, rng: np.random.Generator) -> None:
    """Give every word a value, all parts at once."""
    config = model.config
    model.words[:] = rng.integers(-128, 128, model.words.shape)
    dut.write_en.value = (1 << config.window // config.rows) - 1
    for address, word in enumerate(model.words):
        dut.write_addr.value = address
        dut.write_data.value = to_bits(word)
        await FallingEdge(dut.clk)
    dut.write_en.value = 0


def _request(dut, model: MemoryModel, rng, cycle: int, address: int, zero_point: int) -> None:
    inside = int(rng.integers(0, 1 << model.config.cols))
    dut.read_addr.value = address
    dut.inside.value = inside
    model.read(cycle, address, inside, zero_point)


def _random_write(dut, model: MemoryModel, rng: np.random.Generator, *, avoid: np.ndarray) -> int | None:
    """Write some parts of a word, or none; return its address. ``avoid`` is being read."""
    config = model.config
    address, parts = (
        _near_ends(rng, config.smem_words),
        int(rng.integers(0, 1 << config.window // config.rows)),
    )
    if rng.random() < 0.5 or address in avoid:
        parts = 0
    word = rng.integers(-128, 128, config.window).astype(np.int8)
    dut.write_en.value = parts
    dut.write_addr.value = address
    dut.write_data.value = to_bits(word)
    model.write(address, parts, word)
    return address if parts else None


def _near_ends(rng: np.random.Generator, words: int) -> int:
    """An address; in a third of the cases within 8 words of the end, in another of the beginning."""
    low, high = ((0, words), (0, 8), (words - 8, words))[int(rng.integers(3))]
    return int(rng.integers(low, high))


def _compare(dut, model: MemoryModel, cycle: int) -> int:
    expected = model.due.pop(cycle, None)
    if expected is None:
        return 0
    seen = to_int8(dut.windows.value.to_unsigned(), expected.size).reshape(expected.shape)
    assert np.array_equal(seen, expected), f"cycle {cycle}: {seen.tolist()}, not {expected.tolist()}"
    return 1
