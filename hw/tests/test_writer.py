"""The output writer against the addresses and parts that golden assigns to outputs."""

from typing import Any

import numpy as np
import pytest

from crisp_golden.config import CoreConfig
from crisp_golden.packing import Job
from crisp_golden.timing import OUTPUT_LATENCY
from crisp_hw.writer import OutputWriter
from golden.tests.random_core_layers import small_core
from hw.tests.job_reference import random_job
from hw.tests.simulate import trace

CONFIGS = {
    "four_parts": small_core(2, 2, 2, 4, tile_depth=4),
    "one_part": small_core(4, 4, 2, 2, tile_depth=2),
}
LATENCY = 1 + OUTPUT_LATENCY
"""From the last row's drain command to its output."""


def drained_pixels(config: CoreConfig, job: Job) -> int:
    """Pixels of one row tile, those beside the image included."""
    r = job.registers
    return ((r["pixel_tiles"] - 1) * r["depth_full"] + r["depth_last"]) * config.cols


def frames_of(
    config: CoreConfig, job: Job, outputs: np.ndarray, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Drain commands with random pauses, and the rows' outputs, row r being rows - 1 - r cycles early."""
    pixels = drained_pixels(config, job)
    total = job.registers["row_tiles"] * pixels
    times = 2 + np.cumsum(rng.integers(1, 3, total))
    frames: list[dict[str, Any]] = [{} for _ in range(int(times[-1]) + LATENCY + 2)]
    frames[0] = {"job": job.registers, "start": 1}
    for number in range(len(frames)):
        frames[number] |= {"drain": {"valid": 0, "row_tile_end": 0, "job_end": 0}}
        if number:
            frames[number] |= {"start": 0, "y": [int(v) & 0xFF for v in rng.integers(-128, 128, config.rows)]}
    for command, time in enumerate(times.tolist()):
        row_end = command % pixels == pixels - 1
        frames[time]["drain"] = {
            "valid": 1,
            "row_tile_end": int(row_end),
            "job_end": int(command == total - 1),
        }
        for row in range(config.rows):
            early = config.rows - 1 - row
            frames[time + LATENCY - early]["y"][row] = int(outputs[command, row]) & 0xFF
    return frames


def written_words(config: CoreConfig, frames: list[dict[str, Any]], memory: np.ndarray) -> int:
    """Apply all writes to ``memory``; return how often ``written`` was high."""
    ports = ["write_en", "write_addr", "write_data", "written"]
    finished = 0
    for out in trace(OutputWriter(config), frames, ports):
        data = np.frombuffer(out["write_data"].to_bytes(config.window, "little"), np.int8)
        enabled = np.array([out["write_en"] >> part & 1 for part in range(config.window // config.rows)])
        memory[out["write_addr"]] = np.where(
            enabled.repeat(config.rows) == 1, data, memory[out["write_addr"]]
        )
        finished += out["written"]
    return finished


def expected_memory(config: CoreConfig, job: Job, outputs: np.ndarray, memory: np.ndarray) -> np.ndarray:
    """What the memory must hold after ``outputs`` int8[row tiles * pixels, rows]."""
    r, memory = job.registers, memory.copy()
    pixels, parts = drained_pixels(config, job), config.window // config.rows
    for command, values in enumerate(outputs):
        row_tile, pixel = divmod(command, pixels)
        y, x = divmod(pixel, r["pitch"])
        plane, part = divmod(r["out_part"] + row_tile, parts)
        if x < r["out_width"] and y < r["out_height"]:
            address = r["out_base"] + plane * r["out_plane"] + y * r["out_pitch"] + x
            memory[address % config.smem_words, part * config.rows : (part + 1) * config.rows] = values
    return memory


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("out_part", [0, 1])
def test_outputs_of_random_jobs_reach_their_words_and_nothing_else(config: CoreConfig, out_part: int):
    rng = np.random.default_rng(4)
    for _ in range(4):
        job = random_job(config, rng)
        job.registers["out_part"] = out_part % (config.window // config.rows)
        total = job.registers["row_tiles"] * drained_pixels(config, job)
        outputs = rng.integers(-128, 128, (total, config.rows)).astype(np.int8)
        memory = rng.integers(-128, 128, (config.smem_words, config.window)).astype(np.int8)
        expected = expected_memory(config, job, outputs, memory)
        assert written_words(config, frames_of(config, job, outputs, rng), memory) == 1
        np.testing.assert_array_equal(memory, expected)
