"""Banked memory with rotator and padding against a NumPy array of words."""

from typing import Any

import numpy as np
import pytest

from crisp_golden.stimuli.small_cores import small_core
from crisp_hw.cells import Technology
from crisp_hw.core.activation_memory import FILL_QUEUE, ActivationMemory
from crisp_spec.config import CoreConfig
from crisp_spec.latencies import ACTIVATION_LATENCY, BLOCK_RAM_LATENCY, READ_LATENCY
from hw.tests.simulate import pipelined, trace

CONFIGS = {
    "two_banks": small_core(2, 2, 2, 4, smem_words=16),
    "four_banks_of_one_part": small_core(16, 4, 4, 4, smem_words=32),
    "eight_banks_of_two_beats": small_core(4, 8, 4, 4, smem_words=64),
    "four_banks_of_parts_wider_than_beats": small_core(16, 4, 8, 4, smem_words=64),
}
configs = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
IDLE = {"read": {"en": 0}, "is_inside": 0, "fill_en": 0, "outputs": {"valid": 0}}


def rtl_words(config: CoreConfig, frames: list[dict[str, Any]]) -> np.ndarray:
    """int8[frames, cols, word_channels], what the memory returns for every frame."""
    memory = ActivationMemory(config, technology=Technology.GENERIC)
    outputs = pipelined(memory, frames, ["words"], memory.latency)
    words = b"".join(
        word.to_bytes(config.word_channels, "little") for out in outputs for word in out["words"]
    )
    return np.frombuffer(words, np.int8).reshape(len(frames), config.cols, config.word_channels)


def filled(config: CoreConfig, rng: np.random.Generator) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Random words and the frames that write them in beats, and one in which they are written."""
    words = rng.integers(-128, 128, (config.smem_words, config.word_channels)).astype(np.int8)
    image, size = words.tobytes(), config.bus_bits // 8
    frames = [
        IDLE
        | {"fill_en": 1, "fill_address": beat, "fill_data": little(image[beat * size : (beat + 1) * size])}
        for beat in range(len(image) // size)
    ]
    return words, [{"zero_point": 0x85}, *frames, IDLE, IDLE]


def little(data: bytes) -> int:
    return int.from_bytes(data, "little")


class Request:
    """A read of ``cols`` words from two rows, and which of them are inside."""

    def __init__(self, config: CoreConfig, rng: np.random.Generator, inside: np.ndarray | None = None):
        self.row, self.next_row = rng.integers(config.bank_depth, size=2).tolist()
        self.rotation = int(rng.integers(config.cols))
        self.is_inside = np.ones(config.cols, bool) if inside is None else inside
        banks = (self.rotation + np.arange(config.cols)) % config.cols
        self.words = np.where(banks < self.rotation, self.next_row, self.row) * config.cols + banks

    def frame(self) -> dict[str, Any]:
        read = {"en": 1, "row": self.row, "next_row": self.next_row, "rotation": self.rotation}
        return {"read": read, "is_inside": int((self.is_inside << np.arange(len(self.is_inside))).sum())}


@configs
def test_reads_put_the_words_of_two_rows_into_order_and_the_mask_reads_the_zero_point(config: CoreConfig):
    rng = np.random.default_rng(1)
    words, writes = filled(config, rng)
    requests = [Request(config, rng, rng.integers(0, 2, config.cols).astype(bool)) for _ in range(150)]
    result = rtl_words(config, writes + [request.frame() for request in requests])[len(writes) :]
    expected = [np.where(r.is_inside[:, None], words[r.words], np.int8(-0x7B)) for r in requests]
    np.testing.assert_array_equal(result, np.array(expected))


@configs
def test_outputs_and_beats_share_the_banks_and_the_next_read_sees_them(config: CoreConfig):
    """Outputs come first, and a read sees that of the cycle before; beats are written a cycle behind it."""
    rng = np.random.default_rng(2)
    words, frames = filled(config, rng)
    first, expected, met = len(frames), [], 0
    for _ in range(400):
        request = Request(config, rng)
        output, outputs = random_output(config, rng)
        beat, word, data = random_beat(config, rng)
        for address, part, values in outputs:
            words[address, part * config.rows : (part + 1) * config.rows] = values
        met += output["valid"] >> word % config.cols & 1
        place = beat["fill_address"] % (config.word_channels // len(data)) * len(data)
        words[word, place : place + len(data)] = data
        frames += [IDLE | {"outputs": output, "fill_en": 1, **beat}, IDLE, IDLE | request.frame()]
        expected.append(words[request.words])
    result = rtl_words(config, frames)[first + 2 :: 3]
    np.testing.assert_array_equal(result, np.array(expected))
    assert 0 < met < 400


def random_output(config: CoreConfig, rng: np.random.Generator):
    """An output for some banks; with the words, parts and values that it writes."""
    valid = rng.integers(0, 2, config.cols).astype(bool)
    rows = rng.integers(config.bank_depth, size=config.cols)
    part = int(rng.integers(config.word_channels // config.rows))
    values = rng.integers(-128, 128, (config.cols, config.rows)).astype(np.int8)
    output = {
        "valid": int((valid << np.arange(config.cols)).sum()),
        "rows": rows.tolist(),
        "part": 1 << part,
        "data": [little(value.tobytes()) for value in values],
    }
    return output, [
        (int(rows[bank]) * config.cols + bank, part, values[bank]) for bank in np.flatnonzero(valid).tolist()
    ]


def random_beat(config: CoreConfig, rng: np.random.Generator):
    """A beat, the word that it belongs to, and its bytes."""
    per_word = config.word_bits // config.bus_bits
    address = int(rng.integers(config.smem_words * per_word))
    data = rng.integers(-128, 128, config.bus_bits // 8).astype(np.int8)
    return {"fill_address": address, "fill_data": little(data.tobytes())}, address // per_word, data


@configs
def test_beats_wait_in_queues_while_outputs_go_to_their_banks(config: CoreConfig):
    """No beat is lost, and all keep their order; a full queue refuses one."""
    rng = np.random.default_rng(3)
    _, frames = filled(config, rng)
    first, waiting, expected, longest = len(frames), [0] * config.cols, [], 0
    for cycle in range(300):
        output, _ = random_output(config, rng)
        # Outputs that change nothing, at first to all banks.
        output = output | {"part": 0, "valid": (1 << config.cols) - 1 if cycle < 30 else output["valid"]}
        beat, word, _ = random_beat(config, rng)
        bank = word % config.cols
        taken = waiting[bank] < FILL_QUEUE
        expected.append(int(taken))
        frames.append(IDLE | {"outputs": output, "fill_en": 1, **beat})
        for number in range(config.cols):
            waiting[number] -= bool(waiting[number] and not output["valid"] >> number & 1)
        waiting[bank] += taken
        longest = max(longest, *waiting)
    ready = [frame["fill_ready"] for frame in trace_of(config, frames, ["fill_ready"])[first:]]
    assert ready == expected
    assert longest == FILL_QUEUE


@configs
def test_beats_behind_each_other_keep_the_full_rate_beside_outputs_to_half_of_the_banks(config: CoreConfig):
    rng = np.random.default_rng(5)
    per_word, half = config.word_bits // config.bus_bits, (1 << config.cols // 2) - 1
    frames = []
    for cycle in range(4 * config.cols * per_word):
        output, _ = random_output(config, rng)
        valid = half << config.cols // 2 * (cycle % 2)
        frames.append(IDLE | {"outputs": output | {"valid": valid}, "fill_en": 1, "fill_address": cycle})
    assert all(frame["fill_ready"] for frame in trace_of(config, frames, ["fill_ready"]))


def trace_of(config: CoreConfig, frames: list[dict[str, Any]], names: list[str]) -> list[dict[str, Any]]:
    return trace(ActivationMemory(config, technology=Technology.GENERIC), frames, names)


def by_bank(words: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Words of consecutive numbers, in the order of their banks."""
    return words[numbers[np.argsort(numbers % len(numbers))]]


@configs
def test_the_store_reads_where_no_outputs_go(config: CoreConfig):
    """Requests wait for outputs to their banks, bank by bank."""
    rng = np.random.default_rng(4)
    words, frames = filled(config, rng)
    left = np.zeros(config.cols, bool)
    due, expected, ready = np.arange(config.cols), {}, []
    for _ in range(400):
        request, (output, _) = Request(config, rng), random_output(config, rng)
        # Only the words' places matter here, so nothing is changed.
        output = output | {"part": 0}
        frame = IDLE | {"outputs": output, "store": {**request.frame()["read"], "en": 0}}
        outputs = (output["valid"] >> np.arange(config.cols) & 1).astype(bool)
        ready.append(int(not left.any()))
        if left.any():
            left &= outputs
            if not left.any():
                expected[len(frames) + BLOCK_RAM_LATENCY + 1] = by_bank(words, due)
        elif rng.random() < 0.7:
            frame["store"]["en"] = 1
            due, left = request.words, ~left
        frames.append(frame)
    frames += [IDLE | {"store": {"en": 0}}] * 20
    seen = trace_of(config, frames, ["stored", "store_done", "store_ready"])
    done = {cycle: out["stored"] for cycle, out in enumerate(seen) if out["store_done"]}
    if left.any():
        # The last request finishes among the idle frames.
        expected[len(frames) - 20 + BLOCK_RAM_LATENCY + 1] = by_bank(words, due)
    assert done.keys() == expected.keys()
    for cycle, stored in done.items():
        data = b"".join(word.to_bytes(config.word_channels, "little") for word in stored)
        assert data == expected[cycle].tobytes(), f"cycle {cycle}"
    first = len(frames) - 20 - 400
    assert [out["store_ready"] for out in seen[first : first + 400]] == ready
    assert len(done) > 40


def test_the_store_waits_a_few_cycles_at_least():
    assert ActivationMemory.store_latency == READ_LATENCY == BLOCK_RAM_LATENCY + 2


def test_without_read_enable_the_last_words_stay():
    config = CONFIGS["two_banks"]
    rng = np.random.default_rng(3)
    words, frames = filled(config, rng)
    request = Request(config, rng)
    stall = {"read": {**request.frame()["read"], "en": 0}}
    result = rtl_words(config, [*frames, IDLE | request.frame(), stall, stall])
    np.testing.assert_array_equal(result[-3:], np.stack([words[request.words]] * 3))


def test_latency_is_the_cycle_models():
    assert ActivationMemory.latency == ACTIVATION_LATENCY
