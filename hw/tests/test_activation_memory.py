"""Banked memory with rotator and padding against a NumPy array of words."""

from typing import Any

import numpy as np
import pytest

from crisp_golden.config import CoreConfig
from crisp_golden.timing import ACTIVATION_LATENCY
from crisp_hw.activation_memory import ActivationMemory
from crisp_hw.cells import Target
from golden.tests.random_core_layers import small_core
from hw.tests.simulate import pipelined

CONFIGS = {
    "two_banks": small_core(2, 2, 2, 2, smem_words=16),
    "four_banks_of_one_part": small_core(4, 4, 1, 4, smem_words=32),
    "eight_banks_of_four_parts": small_core(2, 8, 2, 4, smem_words=64),
}
configs = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


def rtl_windows(config: CoreConfig, frames: list[dict[str, Any]]) -> np.ndarray:
    """int8[frames, cols, window], what the memory returns for every frame."""
    memory = ActivationMemory(config, target=Target.GENERIC)
    outputs = pipelined(memory, frames, ["windows"], memory.latency)
    words = b"".join(word.to_bytes(config.window, "little") for out in outputs for word in out["windows"])
    return np.frombuffer(words, np.int8).reshape(len(frames), config.cols, config.window)


def write_frame(address: int, parts: int, word: np.ndarray) -> dict[str, Any]:
    data = int.from_bytes(word.astype(np.int8).tobytes(), "little")
    return {"write_en": parts, "write_addr": address, "write_data": data}


def filled(config: CoreConfig, rng: np.random.Generator) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Random words and the frames that write them."""
    words = rng.integers(-128, 128, (config.smem_words, config.window)).astype(np.int8)
    every_part = (1 << config.window // config.rows) - 1
    idle = {"read_en": 0, "read_addr": 0, "inside": 0, "zero_point": 0}
    return words, [idle | write_frame(a, every_part, word) for a, word in enumerate(words)]


@configs
def test_any_address_reads_consecutive_words_and_the_mask_reads_the_zero_point(config: CoreConfig):
    rng = np.random.default_rng(1)
    words, writes = filled(config, rng)
    addresses = [*range(config.smem_words), *rng.integers(0, config.smem_words, 100).tolist()]
    inside = rng.integers(0, 2, (len(addresses), config.cols)).astype(bool)
    reads = [
        {"write_en": 0, "read_en": 1, "read_addr": a, "inside": int((mask << np.arange(config.cols)).sum())}
        for a, mask in zip(addresses, inside, strict=True)
    ]
    reads[0]["zero_point"] = 0x85
    result = rtl_windows(config, writes + reads)[len(writes) :]
    consecutive = np.array(addresses)[:, None] + np.arange(config.cols)
    expected = np.where(inside[:, :, None], words[consecutive % config.smem_words], np.int8(-0x7B))
    np.testing.assert_array_equal(result, expected)


@configs
def test_writes_change_only_the_enabled_parts_while_reads_go_on(config: CoreConfig):
    rng = np.random.default_rng(2)
    words, frames = filled(config, rng)
    first_read = len(frames)
    expected = []
    every_col = (1 << config.cols) - 1
    previous: set[int] = set()
    for _ in range(300):
        # A write of the next cycle would collide with this read; see the next test.
        target = int(rng.choice([a for a in range(config.smem_words) if a not in previous]))
        enabled = rng.integers(0, 2, config.window // config.rows)
        word = rng.integers(-128, 128, config.window).astype(np.int8)
        address = int(rng.integers(config.smem_words))
        mask = int((enabled << np.arange(len(enabled))).sum())
        read = {"read_en": 1, "read_addr": address, "inside": every_col}
        frames.append(write_frame(target, mask, word) | read)
        words[target] = np.where(enabled.repeat(config.rows), word, words[target])
        consecutive = (address + np.arange(config.cols)) % config.smem_words
        expected.append(words[consecutive].copy())
        previous = set(consecutive.tolist())
    result = rtl_windows(config, frames)[first_read:]
    np.testing.assert_array_equal(result, np.array(expected))


@configs
def test_a_read_sees_the_write_of_its_own_cycle(config: CoreConfig):
    word = np.arange(1, config.window + 1)
    every_part = (1 << config.window // config.rows) - 1
    read = {"read_en": 1, "read_addr": 5, "inside": (1 << config.cols) - 1, "zero_point": 0}
    result = rtl_windows(config, [write_frame(5, every_part, word) | read])
    np.testing.assert_array_equal(result[0, 0], word)


def test_without_read_enable_the_last_windows_stay():
    config = CONFIGS["two_banks"]
    rng = np.random.default_rng(3)
    words, frames = filled(config, rng)
    read = {"write_en": 0, "read_en": 1, "read_addr": 6, "inside": 3}
    stall = {"read_en": 0, "read_addr": 6}
    result = rtl_windows(config, [*frames, read, stall, stall])
    np.testing.assert_array_equal(result[-3:], np.stack([words[6:8]] * 3))


def test_latency_is_the_cycle_models():
    assert ActivationMemory.latency == ACTIVATION_LATENCY
