"""cocotb bench: banked activation memory with rotator, padding, outputs and beats, against an array."""

from collections import deque
from dataclasses import dataclass, field

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly

from crisp_hw.core.activation_memory import FILL_QUEUE
from crisp_hw.core.payloads import output_layout, read_layout
from crisp_sim.core.bits import pack, to_bits, to_int8
from crisp_sim.core.clocking import start_clock
from crisp_sim.runs.parameters import bench_parameters, record_measurements
from crisp_spec.config import CoreConfig
from crisp_spec.latencies import ACTIVATION_LATENCY


@dataclass
class MemoryModel:
    """What the memory holds, the words that are still to come out by cycle, and the beats that wait.

    Attributes
    ----------
    waiting : for every bank (word, first byte, bytes) of the beats in its queue.
    """

    config: CoreConfig
    words: np.ndarray
    due: dict[int, np.ndarray] = field(default_factory=dict)
    waiting: list[deque[tuple[int, int, np.ndarray]]] = field(default_factory=list)

    def __post_init__(self):
        self.waiting = [deque() for _ in range(self.config.cols)]

    def queued(self) -> list[int]:
        """Words that beats in the queues will change."""
        return [word for queue in self.waiting for word, _, _ in queue]

    def write_beats(self, outputs: int) -> list[int]:
        """Write the first beat of every queue whose bank no output of the mask goes to; return the words."""
        written = []
        for bank, queue in enumerate(self.waiting):
            if queue and not outputs >> bank & 1:
                word, place, values = queue.popleft()
                self.words[word, place : place + len(values)] = values
                written.append(word)
        return written

    def request(self, cycle: int, words: np.ndarray, inside: int, zero_point: int) -> None:
        """Expect the words, and the zero point in columns that are not inside."""
        read = self.words[words].copy()
        read[[not inside >> col & 1 for col in range(self.config.cols)]] = zero_point
        self.due[cycle + ACTIVATION_LATENCY] = read


@cocotb.test()
async def random_reads_outputs_and_beats(dut):
    """Parameters: config, seed, cycles. All three are idle at random, often at the same time."""
    parameters = bench_parameters()
    config = CoreConfig(**parameters["config"])
    rng = np.random.default_rng(parameters["seed"])
    zero_point = int(rng.integers(-128, 128))
    model = MemoryModel(config, np.zeros((config.smem_words, config.word_channels), np.int8))
    inputs = dict.fromkeys(
        ("read", "is_inside", "outputs", "store", "fill_en", "fill_address", "fill_data"), 0
    )
    await start_clock(dut, **inputs, zero_point=zero_point & 0xFF)
    await _fill(dut, model, rng)
    compared = refused = 0
    reading = np.empty(0, int)
    for cycle in range(parameters["cycles"] + ACTIVATION_LATENCY):
        compared += _compare(dut, model, cycle)
        # A request collides with the writes of its own cycle and of the next one.
        outputs, beat = _random_output(model, rng, reading), _random_beat(model, rng, reading)
        beats = [*model.queued(), *([beat[1]] if beat else [])]
        written = np.array([*(word for word, _, _ in outputs), *beats], int)
        reading = np.empty(0, int)
        dut.read.value = 0
        if rng.random() < 0.8 and cycle < parameters["cycles"]:
            reading = _random_request(dut, model, rng, cycle, zero_point, written)
        refused += await _write(dut, model, outputs, beat)
        await FallingEdge(dut.clk)
    assert not model.due, f"reads without an answer: {sorted(model.due)}"
    record_measurements({"compared": compared, "refused": refused})


async def _fill(dut, model: MemoryModel, rng: np.random.Generator) -> None:
    """Give every word a value, beat by beat."""
    model.words[:] = rng.integers(-128, 128, model.words.shape)
    size = model.config.bus_bits // 8
    dut.fill_en.value = 1
    for beat, data in enumerate(model.words.reshape(-1, size)):
        dut.fill_address.value = beat
        dut.fill_data.value = to_bits(data)
        await FallingEdge(dut.clk)
    dut.fill_en.value = 0
    for _ in range(2):
        await FallingEdge(dut.clk)


def _random_request(
    dut, model: MemoryModel, rng: np.random.Generator, cycle: int, zero_point: int, written: np.ndarray
) -> np.ndarray:
    """Read from two rows, unless a word of them is in ``written``; return the words that are read."""
    config = model.config
    row, behind = int(rng.integers(config.bank_depth)), int(rng.integers(config.bank_depth))
    rotation, inside = int(rng.integers(config.cols)), int(rng.integers(0, 1 << config.cols))
    banks = (rotation + np.arange(config.cols)) % config.cols
    words = np.where(banks < rotation, behind, row) * config.cols + banks
    if np.isin(words, written).any():
        return np.empty(0, int)
    values = {"en": 1, "row": row, "next_row": behind, "rotation": rotation}
    dut.read.value = pack(read_layout(config), values)
    dut.is_inside.value = inside
    model.request(cycle, words, inside, zero_point)
    return words


def _random_output(model: MemoryModel, rng: np.random.Generator, avoid: np.ndarray):
    """(word, part, int8[rows]) for some banks; words in ``avoid`` are being read."""
    config = model.config
    if rng.random() < 0.2:
        return []
    part = int(rng.integers(config.word_channels // config.rows))
    rows = rng.integers(config.bank_depth, size=config.cols)
    words = rows * config.cols + np.arange(config.cols)
    chosen = (rng.random(config.cols) < 0.7) & ~np.isin(words, avoid)
    values = rng.integers(-128, 128, (config.cols, config.rows)).astype(np.int8)
    return [(int(words[bank]), part, values[bank]) for bank in np.flatnonzero(chosen)]


def _random_beat(model: MemoryModel, rng: np.random.Generator, avoid: np.ndarray):
    """(beat, its word, its bytes), or None; words in ``avoid`` are being read."""
    config = model.config
    per_word = config.word_bits // config.bus_bits
    # Many beats for one bank, so that its queue gets full.
    bank = 0 if rng.random() < 0.7 else int(rng.integers(config.cols))
    word = int(rng.integers(config.bank_depth)) * config.cols + bank
    beat = word * per_word + int(rng.integers(per_word))
    if rng.random() < 0.3 or word in avoid:
        return None
    return beat, word, rng.integers(-128, 128, config.bus_bits // 8).astype(np.int8)


async def _write(dut, model: MemoryModel, outputs: list, beat) -> int:
    """Drive and apply the writes; return whether the beat was refused, which it must be for a full queue."""
    config = model.config
    valid = rows = data = part = 0
    for word, part, values in outputs:
        row, bank = divmod(word, config.cols)
        valid |= 1 << bank
        rows |= row << bank * (config.bank_depth.bit_length() - 1)
        data |= to_bits(values) << 8 * config.rows * bank
        model.words[word, part * config.rows : (part + 1) * config.rows] = values
    layout = output_layout(config)
    fields = {"valid": valid, "rows": rows, "part": 1 << part, "data": data}
    dut.outputs.value = sum(value << layout[name].offset for name, value in fields.items())
    dut.fill_en.value = int(beat is not None)
    room = [len(queue) < FILL_QUEUE for queue in model.waiting]
    model.write_beats(valid)
    if beat is None:
        return 0
    address, word, values = beat
    dut.fill_address.value = address
    dut.fill_data.value = to_bits(values)
    await ReadOnly()
    bank = word % config.cols
    assert dut.fill_ready.value == room[bank]
    if room[bank]:
        place = address % (config.word_channels // len(values)) * len(values)
        model.waiting[bank].append((word, place, values))
    return not room[bank]


def _compare(dut, model: MemoryModel, cycle: int) -> int:
    expected = model.due.pop(cycle, None)
    if expected is None:
        return 0
    seen = to_int8(dut.words.value.to_unsigned(), expected.size).reshape(expected.shape)
    assert np.array_equal(seen, expected), f"cycle {cycle}: {seen.tolist()}, not {expected.tolist()}"
    return 1
